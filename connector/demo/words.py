"""The words of the made-up world: a supplier of pumps and valves, its market and its people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final


def _words(text: str) -> Sequence[str]:
    return tuple(text.split())


STARTS: Final = _words(
    "Alder Ambro Barro Belmo Bran Brenn Calder Carro Cor Dalen Dorn Drov Elver Esker Fael Farn"
    " Fenn Galt Garro Glen Hald Harro Hollin Ister Jarr Kelder Kesw Lann Lorr Marl Mell Morv Nar"
    " Norr Oster Pell Quarr Raven Rosk Sall Selw Stav Tarn Thorn Ulver Vall Varr Wend Wyr Yar"
)
ENDS: Final = _words(
    "bridge brook by combe dale denn field ford gate grove holm holt hurst land ley low mere mont"
    " more rick ridge stead stone stow ton vale well wick wood worth"
)

INDUSTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "Food & Beverage": ("Foods", "Dairy", "Brewing", "Mills", "Bakeries", "Bottling"),
    "Chemicals": ("Chemical", "Coatings", "Polymers", "Adhesives", "Solvents"),
    "Pharma": ("Pharma", "Laboratories", "Biologics", "Therapeutics"),
    "Water & Waste": ("Water", "Utilities", "Environmental", "Recycling"),
    "Energy": ("Energy", "Power", "Biofuels", "Geothermal", "Grid"),
    "Mining": ("Mining", "Minerals", "Quarries", "Aggregates"),
    "Pulp & Paper": ("Paper", "Packaging", "Pulp", "Board"),
    "Marine": ("Marine", "Shipyards", "Offshore", "Port Services"),
    "Building Services": ("Heating", "Climate", "Facilities", "Plumbing Supply", "Contractors"),
}
WEALTH: Final[Mapping[str, float]] = {
    "Food & Beverage": 1.2,
    "Chemicals": 1.5,
    "Pharma": 1.7,
    "Water & Waste": 0.9,
    "Energy": 1.2,
    "Mining": 0.8,
    "Pulp & Paper": 0.8,
    "Marine": 0.7,
    "Building Services": 0.5,
}
"""How much more than others a customer of the industry spends."""
SEASONS: Final[Mapping[str, str]] = {
    # How many tenths of a usual month each month brings, January first.
    "Food & Beverage": "8 8 9 11 12 13 13 11 10 9 8 8",
    "Chemicals": "9 9 11 11 10 10 9 8 11 11 11 10",
    "Pharma": "10 10 10 10 10 10 9 9 10 11 11 10",
    "Water & Waste": "7 7 9 11 12 13 12 12 11 10 8 8",
    "Energy": "13 12 11 9 8 8 8 8 10 11 11 11",
    "Mining": "8 9 11 12 12 11 9 9 11 11 9 8",
    "Pulp & Paper": "10 10 10 10 10 9 9 9 11 11 11 10",
    "Marine": "13 13 12 10 9 8 7 7 9 10 11 11",
    "Building Services": "7 7 9 10 10 9 9 10 12 13 13 11",
}
REGIONS: Final[Mapping[str, float]] = {
    "Northeast": 0.26,
    "Midwest": 0.25,
    "South": 0.23,
    "West": 0.18,
    "Europe": 0.08,
}
FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "USD": ("Inc", "Inc", "LLC", "Corp", "Co"),
    "EUR": ("GmbH", "B.V.", "S.A.", "Oy"),
    "GBP": ("Ltd", "Ltd", "plc"),
}
SOURCES: Final[Mapping[str, float]] = {
    "Trade Fair": 0.24,
    "Website": 0.28,
    "Referral": 0.14,
    "Cold Call": 0.20,
    "Partner": 0.14,
}
LOST_FOR: Final[Mapping[str, float]] = {
    "Price": 0.42,
    "Competitor": 0.24,
    "Postponed": 0.17,
    "No budget": 0.09,
    "Product gap": 0.06,
    "Poor service": 0.02,
}
"""Why a deal is lost."""
LEFT_FOR: Final[Mapping[str, float]] = {
    "Price": 0.32,
    "Competitor": 0.26,
    "Poor service": 0.16,
    "Product gap": 0.10,
    "Moved abroad": 0.09,
    "Plant closed": 0.07,
}
"""Why a customer is lost."""
SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Delivery": ("Parcel incomplete", "Delivery came late", "Wrong address"),
    "Quality": ("Seal leaks", "Housing cracked", "Sensor drifts", "Pump vibrates"),
    "Invoice": ("Discount missing", "Invoice sent twice"),
    "Technical": ("Wiring diagram wanted", "Pump runs dry", "Controller shows E4"),
    "Service": ("Engineer did not come", "Nobody calls back"),
}
"""What a case is about, by its category."""
FIRST_NAMES: Final = _words(
    "Ana Ben Carla Daniel Elena Frank Grace Hugo Ines Jonas Kira Luis Maya Nils Olga"
)
LAST_NAMES: Final = _words(
    "Abbott Baran Castell Dreyer Eklund Fontana Grant Hollis Iversen Jansen Kovac Lindqvist"
    " Moreau Novak Ortega"
)
