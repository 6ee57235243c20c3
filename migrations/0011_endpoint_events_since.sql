-- When an endpoint last changed what it asks for: before that, nobody can say
-- which of its events it should have been told. NULL: since it was made.
ALTER TABLE endpoints ADD COLUMN events_since {{time}};
