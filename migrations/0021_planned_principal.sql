-- How much of its invoice a planned line pays, beside what is charged for it at
-- most: a discount makes the charge less, a late fee more.
ALTER TABLE scheduled_lines ADD COLUMN pays {{minor}} NOT NULL DEFAULT 0;
UPDATE scheduled_lines SET pays = amount;
