"""Six goals of CRM: which customer needs what from whom, why, and what it is worth.

What a rule pack imports is here: a pack brings goals, and a goal turns facts into actions.
`suppression` decides which become tasks. Light to import; the goals themselves are not.
"""

from six_goals.action import Action
from six_goals.goal import Facts, Goal, Need, Proposal
from six_goals.words import Words

__all__ = ["Action", "Facts", "Goal", "Need", "Proposal", "Words"]
