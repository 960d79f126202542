"""The standard objects, as far as connectors read and write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from sandbox_salesforce.fields import (
    address,
    area,
    day,
    derived,
    flag,
    link,
    long_text,
    mail,
    moment,
    money,
    number,
    percent,
    phone,
    pick,
    text,
    url,
    whole,
)
from sandbox_salesforce.schema import FieldDef, Schema, SObject

INDUSTRIES: Final = (
    "Agriculture", "Banking", "Biotechnology", "Construction", "Consulting", "Education",
    "Electronics", "Energy", "Engineering", "Finance", "Healthcare", "Manufacturing", "Retail",
    "Technology", "Telecommunications", "Transportation",
)  # fmt: skip
SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of opportunities, and what follows from it."""

    name: str
    probability: int
    closed: bool = False
    won: bool = False
    forecast: str = "Pipeline"


# The names and the closed ones are of the fact sheet; probabilities are from memory, and belong to
# what an organisation sets.
STAGES: Final = (
    Stage("Prospecting", 10),
    Stage("Qualification", 10),
    Stage("Needs Analysis", 20),
    Stage("Value Proposition", 50),
    Stage("Id. Decision Makers", 60),
    Stage("Perception Analysis", 70),
    Stage("Proposal/Price Quote", 75),
    Stage("Negotiation/Review", 90),
    Stage("Closed Won", 100, closed=True, won=True, forecast="Closed"),
    Stage("Closed Lost", 0, closed=True, forecast="Omitted"),
)


@dataclass(frozen=True, slots=True)
class Edition:
    """What an organisation has, beside what all have; it decides which objects and fields exist."""

    multi_currency: bool = False
    dated_rates: bool = False
    person_accounts: bool = False
    record_types: bool = False


def standard_schema(edition: Edition) -> Schema:
    """Return the objects of an organisation of this *edition*, without custom fields."""
    objects = [*_sales(edition), *_service(), *_activities(), *_people(), *_set_up(edition)]
    for one in objects:
        first, *others = _system_fields()
        one.fields = {"id": first, **one.fields}
        one.add(*others)
    if edition.multi_currency:
        for name in ("Account", "Opportunity", "OpportunityLineItem", "Lead", "Case", "Contact"):
            next(one for one in objects if one.name == name).add(_currency())
    return Schema(objects)


def _object(name: str, prefix: str, fields: Iterable[FieldDef], label: str = "") -> SObject:
    made = SObject(name, prefix, label or name)
    made.add(*fields)
    return made


def _system(name: str, prefix: str, fields: Iterable[FieldDef], *, edit: bool = False) -> SObject:
    made = _object(name, prefix, fields)
    made.createable = made.updateable = made.deletable = edit
    made.replicateable = made.custom_fields = False
    return made


@cache
def _system_fields() -> tuple[FieldDef, ...]:
    fields = [
        FieldDef(
            "Id", "id", "Record ID", length=18, nillable=False, id_lookup=True, defaulted=True
        ),
        flag("IsDeleted", label="Deleted"),
        moment("CreatedDate", required=True, defaulted=True),
        link("CreatedById", "User", required=True, defaulted=True),
        moment("LastModifiedDate", required=True, defaulted=True),
        link("LastModifiedById", "User", required=True, defaulted=True),
        moment("SystemModstamp", required=True, defaulted=True),
    ]
    return tuple(derived(one) for one in fields)


def _currency() -> FieldDef:
    return pick("CurrencyIsoCode", defaulted=True)


def _owner(*others: str) -> FieldDef:
    # In describe the user comes last, after queues; the relationship leads to it.
    return link("OwnerId", *others, "User", required=True, defaulted=True)


def _sales(edition: Edition) -> list[SObject]:
    account = _object(
        "Account", "001",
        [
            text("Name", required=True, label="Account Name"),
            pick(
                "Type", "Prospect", "Customer - Direct", "Customer - Channel",
                "Channel Partner / Reseller", "Installation Partner", "Technology Partner", "Other",
            ),
            pick("Industry", *INDUSTRIES),
            pick("Rating", "Hot", "Warm", "Cold"),
            link("ParentId", "Account"),
            _owner(),
            money("AnnualRevenue", 18, 0),
            whole("NumberOfEmployees"),
            text("AccountNumber", 40),
            phone("Phone"),
            url("Website"),
            pick("AccountSource", *SOURCES),
            pick("Ownership", "Public", "Private", "Subsidiary", "Other"),
            text("Site", 80),
            text("Sic", 20),
            text("TickerSymbol", 20),
            long_text("Description"),
            derived(day("LastActivityDate")),
            derived(link("MasterRecordId", "Account")),
            *address("Billing"),
            *address("Shipping"),
        ],
    )  # fmt: skip
    if edition.person_accounts:
        # Which name is required depends on the kind of record; `derive` looks after it.
        account.add(
            replace(account.fields["name"], defaulted=True),
            derived(flag("IsPersonAccount")),
            derived(link("PersonContactId", "Contact", relationship="PersonContact")),
            text("FirstName", 40), text("LastName", 80), pick("Salutation", "Mr.", "Ms.", "Dr."),
            mail("PersonEmail"), phone("PersonMobilePhone"), phone("PersonHomePhone"),
        )  # fmt: skip
    if edition.person_accounts or edition.record_types:
        account.add(link("RecordTypeId", "RecordType", defaulted=True))
    contact = _object(
        "Contact", "003",
        [
            link("AccountId", "Account"), text("LastName", 80, required=True),
            text("FirstName", 40), derived(text("Name", 121)), mail("Email", id_lookup=True),
            phone("Phone"), phone("MobilePhone"), text("Title", 128), _owner(),
        ],
    )  # fmt: skip
    opportunity = _object(
        "Opportunity", "006",
        [
            link("AccountId", "Account"),
            text("Name", 120, required=True),
            pick("StageName", *(stage.name for stage in STAGES), required=True),
            money("Amount"),
            percent("Probability", defaulted=True),
            derived(money("ExpectedRevenue")),
            day("CloseDate", required=True),
            pick("Type", "Existing Customer - Upgrade", "Existing Customer - Replacement",
                 "Existing Customer - Downgrade", "New Customer"),
            text("NextStep"),
            pick("LeadSource", *SOURCES),
            derived(flag("IsClosed")),
            derived(flag("IsWon")),
            derived(pick("ForecastCategory", "Omitted", "Pipeline", "BestCase", "MostLikely",
                         "Forecast", "Closed")),
            derived(flag("HasOpportunityLineItem")),
            link("Pricebook2Id", "Pricebook2"),
            link("ContactId", "Contact"),
            _owner(),
            derived(whole("FiscalYear")),
            derived(whole("FiscalQuarter")),
            derived(day("LastActivityDate")),
            long_text("Description"),
        ],
    )  # fmt: skip
    item = _object(
        "OpportunityLineItem", "00k",
        [
            link("OpportunityId", "Opportunity", required=True, updateable=False),
            link("PricebookEntryId", "PricebookEntry", updateable=False),
            link("Product2Id", "Product2", updateable=False),
            derived(text("ProductCode")),
            derived(text("Name", 376)),
            number("Quantity", 12, 2, required=True),
            money("UnitPrice"),
            money("TotalPrice"),
            derived(money("ListPrice")),
            derived(money("Subtotal")),
            percent("Discount", 5, 2),
            day("ServiceDate"),
            whole("SortOrder"),
            text("Description"),
        ],
        "Opportunity Product",
    )  # fmt: skip
    product = _object(
        "Product2", "01t",
        [
            text("Name", required=True, id_lookup=True), text("ProductCode"),
            pick("Family", "Hardware", "Software", "Service"), flag("IsActive"),
            long_text("Description", 4000), text("StockKeepingUnit", 180),
        ],
        "Product",
    )  # fmt: skip
    book = _object("Pricebook2", "01s", [text("Name", required=True), flag("IsActive"),
                                         derived(flag("IsStandard"))], "Price Book")  # fmt: skip
    entry = _object(
        "PricebookEntry", "01u",
        [
            link("Pricebook2Id", "Pricebook2", required=True, updateable=False),
            link("Product2Id", "Product2", required=True, updateable=False),
            derived(text("Name")), derived(text("ProductCode")),
            money("UnitPrice", required=True), flag("IsActive"), flag("UseStandardPrice"),
        ],
        "Price Book Entry",
    )  # fmt: skip
    lead = _object(
        "Lead", "00Q",
        [
            text("LastName", 80, required=True), text("FirstName", 40), derived(text("Name", 121)),
            text("Company", required=True), mail("Email", id_lookup=True), phone("Phone"),
            pick("Status", "Open - Not Contacted", "Working - Contacted", "Closed - Converted",
                 "Closed - Not Converted", default="Open - Not Contacted", required=True),
            pick("LeadSource", *SOURCES), pick("Industry", *INDUSTRIES),
            pick("Rating", "Hot", "Warm", "Cold"), money("AnnualRevenue", 18, 0),
            whole("NumberOfEmployees"), text("Title", 128), url("Website"), _owner("Group"),
            derived(flag("IsConverted")), derived(day("ConvertedDate")),
            derived(link("ConvertedAccountId", "Account")),
            derived(link("ConvertedContactId", "Contact")),
            derived(link("ConvertedOpportunityId", "Opportunity")),
            derived(link("MasterRecordId", "Lead")), long_text("Description"),
        ],
    )  # fmt: skip
    return [account, contact, opportunity, item, product, book, entry, lead]


def _service() -> list[SObject]:
    case = _object(
        "Case", "500",
        [
            derived(text("CaseNumber", 30, id_lookup=True)),
            link("AccountId", "Account"), link("ContactId", "Contact"),
            pick("Status", "New", "Working", "Escalated", "Closed", default="New"),
            pick("Priority", "High", "Medium", "Low", default="Medium"),
            pick("Origin", "Phone", "Email", "Web"),
            pick("Type", "Mechanical", "Electrical", "Electronic", "Structural", "Other"),
            pick("Reason", "Installation", "Equipment Complexity", "Performance", "Breakdown",
                 "Feedback", "Other"),
            text("Subject"), derived(flag("IsClosed")), derived(moment("ClosedDate")),
            _owner("Group"), link("ParentId", "Case"), derived(link("MasterRecordId", "Case")),
            long_text("Description"),
        ],
    )  # fmt: skip
    return [case]


def _activities() -> list[SObject]:
    task = _object(
        "Task", "00T",
        [
            link("WhoId", "Contact", "Lead"),
            link("WhatId", "Account", "Opportunity", "Case"),
            derived(link("AccountId", "Account")),
            text("Subject"), day("ActivityDate"),
            pick("Status", "Not Started", "In Progress", "Completed",
                 "Waiting on someone else", "Deferred", default="Not Started", required=True),
            pick("Priority", "High", "Normal", "Low", default="Normal", required=True),
            derived(flag("IsHighPriority")), derived(flag("IsClosed")),
            derived(flag("IsArchived")), derived(moment("CompletedDateTime")),
            _owner("Group"), long_text("Description"),
            pick("TaskSubtype", "Task", "Email", "Call", default="Task", updateable=False),
        ],
    )  # fmt: skip
    event = _object(
        "Event", "00U",
        [
            link("WhoId", "Contact", "Lead"),
            link("WhatId", "Account", "Opportunity", "Case"),
            derived(link("AccountId", "Account")),
            text("Subject"), day("ActivityDate"), moment("ActivityDateTime"),
            moment("StartDateTime"), moment("EndDateTime"), whole("DurationInMinutes"),
            flag("IsAllDayEvent"), derived(flag("IsArchived")), _owner(),
            long_text("Description"),
        ],
    )  # fmt: skip
    return [task, event]


def _people() -> list[SObject]:
    user = _object(
        "User", "005",
        [
            text("Username", 80, required=True, id_lookup=True),
            text("LastName", 80, required=True),
            text("FirstName", 40), derived(text("Name", 121)),
            mail("Email", required=True, id_lookup=True),
            flag("IsActive", default=True), text("Alias", 8),
            link("ManagerId", "User"), text("Title", 80), text("Department", 80),
            pick("TimeZoneSidKey", default="Europe/Berlin"), pick("LocaleSidKey", default="en_US"),
            pick("LanguageLocaleKey", default="en_US"), text("UserType", 40),
            link("ProfileId", "Profile"), text("FederationIdentifier", 512),
        ],
    )  # fmt: skip
    user.deletable = False
    group = _system("Group", "00G", [text("Name", 40), pick("Type", "Queue", "Regular")])
    profile = _system("Profile", "00e", [text("Name")])
    return [user, group, profile]


def _set_up(edition: Edition) -> list[SObject]:
    organization = _system(
        "Organization", "00D",
        [
            text("Name", 80), flag("IsSandbox"), text("OrganizationType", 40),
            text("InstanceName", 5), text("LanguageLocaleKey", 40), text("TimeZoneSidKey", 40),
            text("DefaultLocaleSidKey", 40), text("NamespacePrefix", 15),
            text("DefaultCurrencyIsoCode", 40), whole("FiscalYearStartMonth"),
        ],
    )  # fmt: skip
    stage = _system(
        "OpportunityStage", "01J",
        [
            text("MasterLabel"), text("ApiName"), flag("IsActive", default=True),
            whole("SortOrder"), flag("IsClosed"), flag("IsWon"), percent("DefaultProbability"),
            text("ForecastCategory", 40), text("ForecastCategoryName", 40),
        ],
    )  # fmt: skip
    record_type = _system(
        "RecordType", "012",
        [text("Name", 80), text("DeveloperName", 80), text("SobjectType", 40),
         flag("IsActive", default=True), flag("IsPersonType"), text("Description")],
    )  # fmt: skip
    permission_set = _system(
        "PermissionSet", "0PS",
        [text("Name", 80, required=True), text("Label", 80, required=True), area("Description"),
         flag("IsOwnedByProfile"), link("ProfileId", "Profile"),
         flag("PermissionsApiEnabled"), flag("PermissionsViewSetup")],
        edit=True,
    )  # fmt: skip
    assignment = _system(
        "PermissionSetAssignment", "0Pa",
        [link("AssigneeId", "User", required=True),
         link("PermissionSetId", "PermissionSet", required=True)],
        edit=True,
    )  # fmt: skip
    of_fields = _system(
        "FieldPermissions", "01k",
        [link("ParentId", "PermissionSet", required=True), text("SobjectType", 40, required=True),
         text("Field", 120, required=True), flag("PermissionsRead"), flag("PermissionsEdit")],
        edit=True,
    )  # fmt: skip
    of_objects = _system(
        "ObjectPermissions", "110",
        [link("ParentId", "PermissionSet", required=True), text("SobjectType", 40, required=True),
         flag("PermissionsRead"), flag("PermissionsCreate"), flag("PermissionsEdit"),
         flag("PermissionsDelete"), flag("PermissionsViewAllRecords"),
         flag("PermissionsModifyAllRecords")],
        edit=True,
    )  # fmt: skip
    custom_field = _system(
        "CustomField", "00N",
        [text("FullName", 120), text("DeveloperName", 80), text("TableEnumOrId", 40)],
    )  # fmt: skip
    custom_field.tooling = True
    objects = [
        custom_field, organization, stage, record_type, permission_set, assignment,
        of_fields, of_objects,
    ]  # fmt: skip
    if edition.multi_currency:
        rates = [text("IsoCode", 3), number("ConversionRate", 18, 6)]
        objects.append(
            _system(
                "CurrencyType", "01L",
                [*rates, whole("DecimalPlaces"), flag("IsActive", default=True),
                 flag("IsCorporate")],
            )
        )  # fmt: skip
        if edition.dated_rates:
            dates = [day("StartDate"), day("NextStartDate")]
            objects.append(_system("DatedConversionRate", "04w", [*rates, *dates]))
    return objects
