-- Connections to books that are read and written for as long as they live.
-- token: what signing in there gave, sealed JSON; empty: there is none.
ALTER TABLE connections ADD COLUMN token TEXT NOT NULL DEFAULT '';
-- What becomes of payments: booked where the vendor said, put in its clearing account, or only told of.
ALTER TABLE connections ADD COLUMN write_back TEXT NOT NULL DEFAULT 'tell' CHECK (write_back IN ('book', 'clearing', 'tell'));
-- Reminders for what these books hold stop when they were not read for so many days.
ALTER TABLE connections ADD COLUMN stale_days {{int}} NOT NULL DEFAULT 3 CHECK (stale_days BETWEEN 1 AND 30);
-- When its invoices began to be reminded of; NULL: its vendor looks at what came first.
ALTER TABLE connections ADD COLUMN live_at {{time}};
-- When all of the books was last read from the beginning to the end.
ALTER TABLE connections ADD COLUMN whole_at {{time}};
-- What waits for the vendor's yes before it is closed, or has it: "held:12", "confirmed:12".
ALTER TABLE connections ADD COLUMN closing TEXT NOT NULL DEFAULT '';
-- When the vendor's staff was last told that it fails.
ALTER TABLE connections ADD COLUMN told_at {{time}};

-- The connection whose books said it last; NULL: it was pushed, or came in a file. Written in
-- bulk and never deleted from under its rows, so it is not checked row by row.
ALTER TABLE invoices ADD COLUMN connection_id {{uuid}};
ALTER TABLE credits ADD COLUMN connection_id {{uuid}};

-- A paper that stays in the books until somebody wants to see it: their name for it.
ALTER TABLE documents ADD COLUMN ref TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN connection_id {{uuid}};

-- Whether a number stands already on another invoice of its account is asked for each record.
CREATE INDEX invoices_vendor_number_idx ON invoices (vendor_id, number);
