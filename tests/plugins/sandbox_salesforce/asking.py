"""Clients of a sandbox that have logged in."""

from __future__ import annotations

import httpx

from sandbox_salesforce.sandbox import SalesforceSandbox

API = "/services/data/v62.0"


def client_of(sandbox: SalesforceSandbox) -> httpx.Client:
    """Return a client of *sandbox* that has logged in."""
    return httpx.Client(
        base_url=f"https://sandbox.invalid{API}",
        headers={"Authorization": f"Bearer {sandbox.token()}"},
        transport=sandbox.transport(),
    )
