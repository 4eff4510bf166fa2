"""The short version of `make faults`: one campaign, its processes killed, nothing lost."""

import pytest
from django.db import connection

from tests.faults.campaign import Campaign


@pytest.mark.django_db(transaction=True)
def test_a_campaign_under_fire_loses_nothing(servers, tmp_path):
    campaign = Campaign(tmp_path, servers.environment(connection.settings_dict["NAME"]), seed=2026)
    outcome = campaign.run(dossiers=15, kills=3)
    assert (outcome.lost, outcome.unexplained) == (0, 0), outcome
