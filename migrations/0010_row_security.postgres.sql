-- The second wall: what a vendor's key or staff reads runs as sheaf_vendor with
-- sheaf.vendor_id set, and the database itself withholds every other vendor's rows.
-- Where the hub's own user may not make roles, an administrator makes this one before.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'sheaf_vendor') THEN
        CREATE ROLE sheaf_vendor NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'sheaf_vendor', 'MEMBER') THEN
        EXECUTE format('GRANT sheaf_vendor TO %I', current_user);
    END IF;
EXCEPTION WHEN invalid_grant_operation OR unique_violation OR internal_error THEN NULL;
END $$;
DO $$
DECLARE
    t TEXT;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO sheaf_vendor', current_schema());
    FOREACH t IN ARRAY ARRAY['accounts', 'account_contacts', 'account_unusable_contacts', 'api_keys', 'staff', 'invoices', 'credits',
        'documents', 'applications', 'holds', 'invoice_history', 'cases', 'messages', 'endpoints', 'events', 'deliveries',
        'delivery_attempts', 'shares', 'payment_lines', 'allocations', 'transfers', 'connections', 'syncs', 'sync_rejections',
        'tasks', 'audit_log', 'contact_vendors']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY vendor_only ON %I TO sheaf_vendor USING (vendor_id = nullif(current_setting(''sheaf.vendor_id'', true), '''')::uuid)', t);
        EXECUTE format('GRANT SELECT ON %I TO sheaf_vendor', t);
    END LOOP;
    ALTER TABLE vendors ENABLE ROW LEVEL SECURITY;
    CREATE POLICY vendor_only ON vendors TO sheaf_vendor USING (id = nullif(current_setting('sheaf.vendor_id', true), '')::uuid);
    GRANT SELECT ON vendors TO sheaf_vendor;
    ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY listed_only ON contacts TO sheaf_vendor USING (EXISTS (SELECT 1 FROM account_contacts ac
        WHERE ac.contact_id = contacts.id AND ac.vendor_id = nullif(current_setting('sheaf.vendor_id', true), '')::uuid));
    GRANT SELECT ON contacts TO sheaf_vendor;
END $$;
