-- AlterTable
ALTER TABLE "organizations" ADD COLUMN     "seats" INTEGER NOT NULL DEFAULT 0;

UPDATE "organizations" SET "seats" = m.n
FROM (SELECT organization_id, count(*) AS n FROM memberships GROUP BY organization_id) m WHERE id = m.organization_id;

-- One update for each statement, however many rows it writes. Whoever changes memberships holds the organization's row anyway.
CREATE FUNCTION count_seats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organizations o SET seats = o.seats + CASE TG_OP WHEN 'INSERT' THEN c.n ELSE -c.n END
  FROM (SELECT organization_id, count(*)::int AS n FROM changed GROUP BY organization_id) c WHERE o.id = c.organization_id;
  RETURN NULL;
END $$;

CREATE TRIGGER memberships_seats_taken AFTER INSERT ON memberships
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_seats();

CREATE TRIGGER memberships_seats_left AFTER DELETE ON memberships
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_seats();
