"""What a job says about an Odoo: where it is, how to log in, and what to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connector import Stream
from connector.values import server_url
from connector_odoo.writing import Writing

Deals = Literal["opportunities", "orders", "invoices"]
Transport = Literal["auto", "json2", "jsonrpc"]


class OdooSettings(BaseModel):
    """An Odoo as a source, as a target or both."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(description="where Odoo is, such as https://acme.odoo.com")
    database: str = Field(min_length=1, description="name of the database")
    api_key: SecretStr = Field(description="API key of the user to work as")
    login: str | None = Field(
        None, description="login of that user; needed for JSON-RPC, that is before Odoo 19"
    )
    transport: Transport = Field(
        "auto", description="json2, jsonrpc, or auto: JSON-2 from Odoo 19 on"
    )
    companies: Sequence[int] = Field(
        (), description="numbers of the companies to work in; without it those of the user"
    )
    partners: Literal["companies", "all"] = Field(
        "companies",
        description="which partners are accounts: companies, or people who belong to none too",
    )
    deals: Deals = Field(
        "opportunities", description="what counts as a deal: opportunities, orders or invoices"
    )
    filters: Mapping[Stream, Sequence[Any]] = Field(
        {}, description="terms of a domain by stream, for what is read of it"
    )
    overlap: int = Field(
        600,
        ge=1,
        description="how far before the last reading to read again, in seconds, for what was"
        " committed late",
    )
    full_every: int = Field(
        30,
        ge=0,
        description="days after which everything is read again, for changes that leave no stamp;"
        " 0 for never",
    )
    page_size: int = Field(2_000, ge=1, description="records asked for at a time")
    timeout: float = Field(120.0, gt=0, description="seconds to wait for each answer")
    writing: Writing = Field(Writing(), description="how partners and activities are written")

    @field_validator("url")
    @classmethod
    def _safe_url(cls, given: str) -> str:
        """Return *given* as scheme and host; refuse one to which a key would go in the clear."""
        url = server_url(given, "https://acme.odoo.com")
        if urlsplit(url).path:
            raise ValueError("only scheme and host, such as https://acme.odoo.com")
        return url

    @field_validator("filters")
    @classmethod
    def _terms(cls, given: Mapping[Stream, Sequence[Any]]) -> Mapping[Stream, Sequence[Any]]:
        for stream, terms in given.items():
            for term in terms:
                if not (term in ("&", "|", "!") or (isinstance(term, list) and len(term) == 3)):
                    raise ValueError(
                        f"{stream}: a term is a list of field, operator and value, such as"
                        ' ["customer_rank", ">", 0]'
                    )
        return given

    @model_validator(mode="after")
    def _login_for_rpc(self) -> Self:
        if self.transport == "jsonrpc" and not self.login:
            raise ValueError("JSON-RPC logs in with login and api_key; name the login too")
        return self
