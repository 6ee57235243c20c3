-- What a vendor takes off or adds to what its customers pay here. No row: nothing.
-- Rates are basis points; amounts per currency are decimal text, "EUR 5.00, USD 6.00".
CREATE TABLE incentives (
    vendor_id   {{uuid}} PRIMARY KEY REFERENCES vendors (id),
    early_rate  {{int}} NOT NULL CHECK (early_rate BETWEEN 0 AND 5000),
    early_days  {{int}} NOT NULL CHECK (early_days BETWEEN 0 AND 365), -- from the invoice's date
    from_terms  {{bool}} NOT NULL,                                     -- the terms' own discount goes before it
    debit_rate  {{int}} NOT NULL CHECK (debit_rate BETWEEN 0 AND 5000),
    debit_most  TEXT NOT NULL,                                         -- per invoice; a currency that is not named: no bound
    late_rate   {{int}} NOT NULL CHECK (late_rate BETWEEN 0 AND 5000),
    late_fixed  TEXT NOT NULL,
    late_most   TEXT NOT NULL,
    late_days   {{int}} NOT NULL CHECK (late_days BETWEEN 0 AND 365),  -- after the due date
    waived_by   {{date}},                                              -- paid by it: no fee; NULL: none
    waived_days {{int}} NOT NULL CHECK (waived_days BETWEEN 0 AND 365), -- after the fee was first shown; 0: none
    updated_at  {{time}} NOT NULL
) {{strict}};

-- When a customer was first shown the late fee of an invoice, on the vendor's day.
CREATE TABLE late_fee_notices (
    invoice_id  {{uuid}} PRIMARY KEY REFERENCES invoices (id),
    customer_id {{uuid}} NOT NULL,
    vendor_id   {{uuid}} NOT NULL REFERENCES vendors (id),
    shown_on    {{date}} NOT NULL,
    created_at  {{time}} NOT NULL
) {{strict}};
CREATE INDEX late_fee_notices_vendor_idx ON late_fee_notices (vendor_id);

-- The sandbox takes bank debits alone where a checkout asks for it.
ALTER TABLE sandbox_checkouts ADD COLUMN method TEXT NOT NULL DEFAULT '';
