"""What an organisation holds from its first day: itself, its users, stages and kinds of records."""

from __future__ import annotations

from typing import Final

from sandbox_salesforce.objects import STAGES
from sandbox_salesforce.org import Org
from sandbox_salesforce.schema import Value

GRANTED: Final = "Sandbox_Fields"
"""The permission set through which `add_field` shows a field to the integration's user."""


def found(org: Org, username: str) -> None:
    """Fill a new organisation."""
    org.seed(
        "User",
        {
            "Username": username,
            "LastName": "Integration",
            "Name": "Integration",
            "Email": username,
            "Alias": "integr",
            "UserType": "Standard",
        },
    )
    organization: dict[str, Value] = {
        "Name": "Sandbox Industries",
        "IsSandbox": True,
        "OrganizationType": "Enterprise Edition",
        "InstanceName": "LO0",
        "LanguageLocaleKey": "en_US",
        "TimeZoneSidKey": "Europe/Berlin",
        "DefaultCurrencyIsoCode": org.currency,
        "FiscalYearStartMonth": 1,
    }
    org.seed("Organization", organization)
    for place, stage in enumerate(STAGES, 1):
        org.seed(
            "OpportunityStage",
            {
                "MasterLabel": stage.name,
                "ApiName": stage.name,
                "SortOrder": place,
                "IsClosed": stage.closed,
                "IsWon": stage.won,
                "DefaultProbability": float(stage.probability),
                "ForecastCategory": stage.forecast,
                "ForecastCategoryName": stage.forecast,
            },
        )
    granted = {"Name": GRANTED, "Label": "Fields of the sandbox"}
    record = org.seed("PermissionSet", granted)
    org.seed("PermissionSetAssignment", {"AssigneeId": org.user, "PermissionSetId": record})
    org.seed("Pricebook2", {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True})
    _kinds(org)
    if org.edition.multi_currency:
        org.seed(
            "CurrencyType",
            {"IsoCode": org.currency, "ConversionRate": 1.0, "DecimalPlaces": 2,
             "IsCorporate": True},
        )  # fmt: skip


def _kinds(org: Org) -> None:
    kinds = ["Business"] if org.edition.record_types or org.edition.person_accounts else []
    for name in kinds:
        org.seed(
            "RecordType",
            {"Name": name, "DeveloperName": f"{name}_Account", "SobjectType": "Account"},
        )
    if org.edition.person_accounts:
        org.seed(
            "RecordType",
            {"Name": "Person Account", "DeveloperName": "PersonAccount", "SobjectType": "Account",
             "IsPersonType": True},
        )  # fmt: skip
