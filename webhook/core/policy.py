"""The tier catalogue as a value: what tiers there are, and the rules for names and rights.

`webhook.core.catalogue` makes it from the document read from the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.core.model import Manifest
from webhook.core.pattern import Pattern

POD_SECURITY_LEVELS = ("privileged", "baseline", "restricted")
POD_SECURITY_MODES = ("enforce", "warn", "audit")

UNLABELLED = ("default", "deny", "ignore")
"""What a namespace created without a tier label gets: the default tier, a denial, nothing at all."""

MODES = ("enforce", "warn", "audit")
"""What becomes of a violation: a denial, a warning to the caller, or a note in metrics and logs."""

SYSTEM_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
"""Exempt whatever the catalogue says: no setting may put the cluster's own under our webhooks."""

ADOPTIONS = ("Never", "IfIdentical", "Always")
"""What becomes of somebody else's object where one of the bundle belongs."""

ROLLOUTS = ("auto", "manual")

EVERYBODY = "*"
"""Stands for any group in a tier's `allowed.groups`."""

EVERY_TEAM = "*"
"""Stands for every team that has no budget of its own."""


@dataclass(frozen=True, slots=True)
class TeamGroups:
    """How a team's RBAC group is called, as what stands before and after the team's name."""

    prefix: str
    suffix: str = ""

    def group(self, team: str) -> str:
        return f"{self.prefix}{team}{self.suffix}"

    def team(self, group: str) -> str:
        """The team that `group` is of, empty when it is none's."""
        if not (group.startswith(self.prefix) and group.endswith(self.suffix)):
            return ""
        return group[len(self.prefix) : len(group) - len(self.suffix)]


DEFAULT_TEAM_GROUPS = TeamGroups("team-")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request may set one quota key to, as quantities; None where there is no bound."""

    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A named set of limits; quantities and lifetimes stand as the file has them."""

    name: str
    quota: Mapping[str, str]
    default: Mapping[str, str]
    default_request: Mapping[str, str]
    pod_security: Mapping[str, str]
    network_policies: Mapping[str, Manifest]
    """The `spec` of each NetworkPolicy, by name."""
    revision: str
    """Short hash of all that the tier puts into a namespace."""
    title: str = ""
    extra_manifests: tuple[Manifest, ...] = ()
    overrides: Mapping[str, Bounds] = field(default_factory=dict)
    allowed_groups: frozenset[str] = frozenset({EVERYBODY})
    ttl: str | None = None
    max_ttl: str | None = None
    idle_ttl: str | None = None
    """How long a namespace lasts without pods; None: that alone ends none."""
    deletion_protection: bool = False
    replaced_by: str | None = None
    """The tier to take instead; naming one makes this one deprecated."""

    @property
    def initial_ttl(self) -> str | None:
        """The lifetime of a namespace that states none."""
        return self.ttl or self.max_ttl


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a changed tier reaches the namespaces that are there already.

    `auto`: `per_minute` of them a minute. `manual`: those that name the revision in an annotation.
    """

    strategy: str = "auto"
    per_minute: int = 60


@dataclass(frozen=True, slots=True)
class Budget:
    """What the namespaces of one team may have together."""

    namespaces: int | None = None
    """How many there may be; None is any number."""
    quota: Mapping[str, str] = field(default_factory=dict)
    """The most that their hard limits may come to, by quota key; other keys have no limit."""


@dataclass(frozen=True, slots=True)
class ExpiryRules:
    """How namespaces end whose time is over. Nothing is deleted before `dry_run` is turned off."""

    dry_run: bool = True
    per_minute: int = 10
    """The most deletions in a minute."""
    max_percent: int = 20
    """Above this share of all managed namespaces nothing is deleted: then something is wrong."""
    notices: tuple[str, ...] = ("24h", "1h")
    """How long before its end a namespace is told of it: lifetimes, the longest first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One immutable snapshot of the catalogue file."""

    default_tier: str
    unlabelled: str
    name_pattern: Pattern
    team_separator: str
    """Stands between team and rest of a namespace's name; empty leaves names free."""
    reserved_names: frozenset[str]
    reserved_prefixes: tuple[str, ...]
    exempt_names: frozenset[str]
    admin_groups: frozenset[str]
    requesters: frozenset[str]
    appliers: frozenset[str]
    controllers: frozenset[str]
    team_groups: TeamGroups | None
    """None: groups say nothing about teams, and any tenant creates for any team."""
    required_labels: Mapping[str, Pattern]
    required_annotations: Mapping[str, Pattern]
    modes: Mapping[str, str]
    """Rule id to one of MODES; a rule that is not in it is enforced."""
    tiers: Mapping[str, Tier]
    revision: str
    """Short hash of the whole document."""

    rollout: Rollout = Rollout()
    expiry: ExpiryRules = ExpiryRules()
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By team; EVERY_TEAM stands for those that are not named."""
    adoption: str = "Never"

    def group_of(self, team: str) -> str:
        """The RBAC group that gets access to the namespaces of `team`."""
        return (self.team_groups or DEFAULT_TEAM_GROUPS).group(team)

    def budget_of(self, team: str) -> Budget | None:
        """What the namespaces of `team` may have together; None where nothing limits them."""
        found = self.budgets.get(team, self.budgets.get(EVERY_TEAM))
        return found if found != Budget() else None
