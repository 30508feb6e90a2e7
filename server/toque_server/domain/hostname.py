"""Host names: their grammar, and the next free one of a stack's theme (chapter 01 § 5, chapter 03 § 3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import count
from typing import Final

from toque_server.domain.invalid import Invalid

LAYER_DEPENDENT: Final = "Layer_Dependent"

_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def check_hostname(text: str, *, windows: bool = False) -> str:
    """The name in lower case, as it is stored (I-4). Raises Invalid for what no machine may be called.

    >>> check_hostname("Web1")
    'web1'
    """
    name = text.lower()
    longest = _longest(windows)
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise Invalid(
            f"Hostname {text!r} is not allowed: 1 to {longest} letters, digits and dashes, no dash at either end"
        )
    return name


def _longest(windows: bool) -> int:
    return 15 if windows else 63


def check_theme(theme: str) -> str:
    if theme != LAYER_DEPENDENT and theme not in WORDS:
        raise Invalid(f"HostnameTheme {theme!r} is unknown: please use one of {', '.join(THEMES)}")
    return theme


def suggest(theme: str, layer_shortname: str, taken: Collection[str], *, windows: bool = False) -> str:
    """The first free name (S-11): deterministic, reserves nothing. A layer's short name is cut where it is too long.

    >>> suggest("Layer_Dependent", "lb", {"lb1"})
    'lb2'
    """
    used = frozenset(name.lower() for name in taken)
    if theme == LAYER_DEPENDENT:
        stem = re.sub(r"[^a-z0-9-]", "-", layer_shortname.lower()).strip("-") or "node"
        longest = _longest(windows)
        numbers = (str(number) for number in count(1))
        return next(name for number in numbers if (name := f"{stem[: longest - len(number)]}{number}") not in used)
    words = WORDS[theme]
    for word in words:
        if word not in used:
            return word
    return next(name for number in count(2) for word in words if (name := f"{word}{number}") not in used)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Names of at most 12 characters, so that a number fits behind them within Windows' 15.
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Baked_Goods": _words(
        "baguette bagel brioche brownie biscotti ciabatta cookie croissant cupcake donut eclair focaccia gingerbread"
        " macaron madeleine muffin pancake pita pretzel profiterole pumpernickel quiche scone shortbread sourdough"
        " strudel tart tiramisu waffle babka cannoli danish flapjack lebkuchen panettone stollen"
    ),
    "Clouds": _words(
        "altocumulus altostratus anvil arcus cirrus cirrocumulus cirrostratus congestus cumulus cumulonimbus fog"
        " fractus humilis incus lenticular mammatus mist nacreous nimbostratus noctilucent pannus pileus radiatus"
        " scud shelf stratus stratocumul thunderhead tuba undulatus velum virga wallcloud calvus capillatus floccus"
    ),
    "Europe_Cities": _words(
        "amsterdam athens barcelona belgrade berlin bern bratislava brussels bucharest budapest copenhagen dublin"
        " edinburgh florence geneva hamburg helsinki krakow lisbon ljubljana london luxembourg lyon madrid milan"
        " munich oslo paris porto prague reykjavik riga rome sofia stockholm tallinn turin venice vienna vilnius"
        " warsaw zagreb zurich"
    ),
    "Fruits": _words(
        "apple apricot banana blackberry blueberry cherry clementine coconut cranberry currant date elderberry fig"
        " gooseberry grape grapefruit guava jackfruit kiwi kumquat lemon lime lychee mandarin mango melon mulberry"
        " nectarine olive orange papaya passionfruit peach pear persimmon pineapple plum pomegranate quince"
        " raspberry strawberry tangerine"
    ),
    "Greek_Deities_and_Titans": _words(
        "aphrodite apollo ares artemis asteria athena atlas chronos coeus crius cronus demeter dionysus eos erebus"
        " eris eros gaia hades hebe hecate helios hephaestus hera hermes hestia hypnos hyperion iapetus iris leto"
        " mnemosyne nemesis nike nyx oceanus pan persephone phoebe poseidon prometheus rhea selene tethys thanatos"
        " theia themis tyche uranus zeus"
    ),
    "Legendary_creatures_from_Japan": _words(
        "akaname akuma amabie amanojaku azukiarai baku bakeneko basan betobeto daidarabotchi dodomeki funayurei"
        " futakuchi gashadokuro hitodama inugami ittanmomen jorogumo kamaitachi kappa karakasa kasha kirin kitsune"
        " kodama komainu mujina namazu nekomata ningyo noppera nue nurikabe nurarihyon oni raiju rokurokubi ryu"
        " shachihoko tanuki tengu tsuchigumo tsukumogami umibozu yamabiko yamauba yukionna zashiki"
    ),
    "Planets_and_Moons": _words(
        "mercury venus earth mars jupiter saturn uranus neptune luna phobos deimos io europa ganymede callisto"
        " amalthea himalia mimas enceladus tethys dione rhea titan hyperion iapetus phoebe janus pandora prometheus"
        " miranda ariel umbriel titania oberon puck triton nereid proteus larissa charon nix hydra"
    ),
    "Roman_Deities": _words(
        "aesculapius apollo aurora bacchus bellona bona ceres concordia cupid diana dispater fauna faunus felicitas"
        " flora fortuna genius janus juno jupiter justitia juventas liber libertas luna maia mars mercury minerva"
        " mithras neptune ops pax pluto pomona portunus priapus proserpina quirinus salus saturn silvanus sol"
        " terminus terra venus vertumnus vesta victoria vulcan"
    ),
    "Scottish_Islands": _words(
        "ailsa arran barra benbecula berneray bute canna coll colonsay cumbrae easdale eday eigg eriskay fairisle"
        " fetlar foula gigha handa harris hoy iona islay jura kerrera lewis lismore luing mingulay muck mull"
        " northuist oronsay raasay ronay rousay rum sanday scalpay shapinsay skye staffa stronsay taransay tiree"
        " ulva unst vatersay westray whalsay yell"
    ),
    "US_Cities": _words(
        "albany atlanta austin baltimore boise boston buffalo charleston charlotte chicago cincinnati cleveland"
        " columbus dallas denver detroit elpaso fresno hartford honolulu houston indianapolis jacksonville juneau"
        " lasvegas memphis miami milwaukee minneapolis nashville neworleans newyork oakland omaha orlando"
        " philadelphia phoenix pittsburgh portland raleigh reno richmond sacramento saltlake sandiego sanfrancisco"
        " savannah seattle tampa tucson tulsa"
    ),
    "Wild_Cats": _words(
        "bobcat caracal cheetah clouded cougar fishingcat flatheaded iberian jaguar jaguarundi junglecat kodkod"
        " leopard leopardcat lion liger lynx manul marbled margay mountaincat ocelot oncilla pallas pampascat"
        " panther puma rustyspot sandcat serval snowleopard sphynx tiger tigon wildcat baycat blackfoot goldencat"
    ),
}

THEMES: Final = (LAYER_DEPENDENT, *WORDS)
