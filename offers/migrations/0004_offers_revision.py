"""A number that changes, on commit, with anything that the public pages of offers show (docs/adr/0017).

By trigger, so that bulk updates and hands in the database count too; deferred, so that its row is locked at commit
only. One change per transaction, whatever the number of its rows.
"""

from django.db import migrations

FORWARDS = """
CREATE TABLE offers_revision (number bigint NOT NULL, changed_in bigint NOT NULL);
INSERT INTO offers_revision VALUES (1, 0);
CREATE FUNCTION offers_revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE offers_revision SET number = number + 1, changed_in = txid_current() WHERE changed_in <> txid_current();
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER offers_revise AFTER INSERT OR UPDATE OR DELETE ON offers_offer
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION offers_revise();
CREATE CONSTRAINT TRIGGER offers_revise AFTER UPDATE ON accounts_institution
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION offers_revise();
"""
BACKWARDS = """
DROP TRIGGER offers_revise ON offers_offer;
DROP TRIGGER offers_revise ON accounts_institution;
DROP FUNCTION offers_revise();
DROP TABLE offers_revision;
"""


class Migration(migrations.Migration):
    dependencies = [("offers", "0003_search_by_nearness")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
