"""The words of English that carry structure rather than meaning. No business word is among them."""

from __future__ import annotations

from typing import Final


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


FUNCTION: Final = word_set(
    """
    a an the this that these those some any all each every both either neither no not none
    i me my mine we us our ours you your yours he him his she her hers it its they them their theirs one ones
    am is are was were be been being do does did done doing have has had having can could may might must shall should
    will would and or but nor so if then than as because while though although whether of in on at by to from for with
    without within into onto over under about above below between among across through throughout during per via
    regarding concerning up down out off against toward towards upon
    what which who whom whose when where why how there here 's s re ve ll d m t don doesn
    didn isn aren wasn weren hasn haven hadn won wouldn couldn shouldn please thanks thank hello hi hey ok okay yes just
    only also too very really quite rather still already even ever again now currently actually exactly please maybe
    perhaps kindly pls far like such same other another more most less least much many few several let lets
    """
)
"""Articles, pronouns, auxiliaries, prepositions, conjunctions, particles."""

ASKING: Final = word_set(
    """
    show shows showing tell tells give gives giving get gets getting got find finds finding list lists display displays
    fetch pull see seeing look looks looking want wants wanted need needs needed know knows knowing ask asking explain
    describe compute calculate report reporting reported check checking confirm confirms confirming verify heard hear
    hearing hears read think thinks thought believe said say says saying claim claims claimed help provide return
    returns bring come came make made go going gone run wonder wondering curious interested understand happened
    happening happen summarize summarise break breaking breakdown split splits splitting
    """
)
"""Verbs by which people ask; they name nothing that data has."""

GENERIC: Final = word_set(
    """
    data figure figures number numbers value values amount amounts information info stats statistics statistic
    metric metrics kpi kpis measure measures result results report reports dashboard overview summary detail details
    actual actuals thing things total totals overall everything something anything everywhere anywhere level levels
    """
)
"""Nouns that stand for whatever there is to show."""

MOVING: Final = word_set(
    """
    grow grows grew grown growing increase increases increased increasing decrease decreases decreased decreasing
    rise rises rose risen rising fall falls fell fallen falling drop drops dropped dropping
    decline declines declined declining
    change changes changed changing develop develops developed developing evolve evolves evolved evolving
    move moves moved moving perform performs performed performing vary varies varied
    """
)
"""Verbs of movement; after an auxiliary they ask how a figure went, without one they may name another figure."""

AUXILIARY: Final = word_set("do does did is are was were has have had will would can could")

PARTING: Final = word_set("break breaks breaking broken breakdown split drill drilled roll rolled sum add look")
"""Verbs that "up" and "down" belong to."""

COMPARING: Final = word_set("vs versus against compare compared comparison compares comparing")
"""Words between what is held against each other, or before it."""

LEADING: Final = word_set("compare comparing comparison difference differences differ")
"""Words before all that is held against each other."""

HOLDING: Final = COMPARING | LEADING

LIGHT: Final = FUNCTION | ASKING | GENERIC
"""Words that are not content: unmatched, they neither lower confidence nor make a phrase mean something else."""
