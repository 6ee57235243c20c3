-- The second wall, for the tables of 0020: see 0010.
DO $$
DECLARE
    t TEXT;
BEGIN
    FOREACH t IN ARRAY ARRAY['payouts', 'payout_lines']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY vendor_only ON %I TO sheaf_vendor USING (vendor_id = nullif(current_setting(''sheaf.vendor_id'', true), '''')::uuid)', t);
        EXECUTE format('GRANT SELECT ON %I TO sheaf_vendor', t);
    END LOOP;
END $$;
