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
PRODUCTS: Final[Mapping[str, float]] = {
    "Centrifugal Pumps": 0.20,
    "Dosing Pumps": 0.13,
    "Valves": 0.18,
    "Flow Sensors": 0.12,
    "Control Units": 0.10,
    "Spare Parts": 0.14,
    "Service Contracts": 0.09,
    "Training": 0.04,
}
FIRST_NAMES: Final = _words(
    "Ana Ben Carla Daniel Elena Frank Grace Hugo Ines Jonas Kira Luis Maya Nils Olga"
)
LAST_NAMES: Final = _words(
    "Abbott Baran Castell Dreyer Eklund Fontana Grant Hollis Iversen Jansen Kovac Lindqvist"
    " Moreau Novak Ortega"
)
