package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const (
	create = "CREATE"
	update = "UPDATE"

	tierLabel         = "platform/tier"
	teamLabel         = "platform/team"
	managedByLabel    = "app.kubernetes.io/managed-by"
	requestedBy       = "platform/requested-by"
	manager           = "ns-provisioner"
	podSecurityPrefix = "pod-security.kubernetes.io/"
	nameLimit         = 63
)

var (
	levels   = []string{"privileged", "baseline", "restricted"}
	modes    = []string{"enforce", "warn", "audit"}
	identity = []string{tierLabel, teamLabel, managedByLabel}
)

// facts is one request with what several rules want to know of it.
type facts struct {
	*request
	policy  *policy
	new     *metadata
	old     *metadata // nil on CREATE
	managed bool
	admin   bool
	found   []violation
}

type violation struct {
	rule, path, text string
	forbidden        bool
}

// validate runs every rule; none stops another.
func validate(policy *policy, asked *request) (*response, error) {
	facts := &facts{request: asked, policy: policy, new: &asked.Object.Metadata}
	if asked.Operation == update {
		facts.old = &asked.OldObject.Metadata
	} else if !covered(policy, facts.new) {
		return &response{Allowed: true}, nil
	}
	facts.managed = facts.old == nil || facts.new.Labels[managedByLabel] == manager
	facts.admin = policy.isAdmin(asked.UserInfo)
	facts.names()
	facts.tier()
	facts.team()
	facts.identityComplete()
	facts.defaultsPresent()
	facts.podSecurity()
	facts.requester()
	facts.owners()
	facts.immutable()
	return facts.answer(), nil
}

func (facts *facts) names() {
	if facts.old == nil {
		facts.name("metadata.name", facts.Name)
		reserved := slices.ContainsFunc(facts.policy.ReservedPrefixes, func(prefix string) bool {
			return strings.HasPrefix(facts.Name, prefix)
		})
		if reserved || slices.Contains(facts.policy.ReservedNames, facts.Name) {
			facts.add("reserved-name", "metadata.name", "%q is reserved", facts.Name)
		}
	}
	if team := facts.new.Labels[teamLabel]; team != "" && team != facts.Name && facts.changed(teamLabel) {
		facts.name(label(teamLabel), team)
	}
}

func (facts *facts) name(path, text string) {
	if len(text) > nameLimit || strings.HasSuffix(text, "-") || !facts.policy.name.MatchString(text) {
		facts.add("name-pattern", path, "%q does not match %s", text, facts.policy.NamePattern)
	}
}

func (facts *facts) tier() {
	if !facts.managed || !facts.changed(tierLabel) && !facts.changed(managedByLabel) {
		return
	}
	sent := facts.new.Labels[tierLabel]
	if _, known := facts.policy.tiers[sent]; !known {
		facts.add("tier-exists", label(tierLabel), "%q is not a tier", sent)
	}
}

func (facts *facts) team() {
	team := facts.new.Labels[teamLabel]
	if facts.old != nil || team == "" || facts.policy.actsForOthers(facts.UserInfo) {
		return
	}
	if !facts.policy.isMember(facts.UserInfo, team) {
		facts.forbid("team-is-callers", label(teamLabel), "%q is not one of your teams", team)
	}
}

func (facts *facts) identityComplete() {
	if !facts.managed || !facts.changed(teamLabel) && !facts.changed(managedByLabel) {
		return
	}
	if sent := facts.new.Labels[managedByLabel]; sent != manager && facts.old == nil {
		facts.add("managed-labels-complete", label(managedByLabel), "%q is another manager", sent)
	}
	if facts.new.Labels[teamLabel] == "" {
		facts.add("managed-labels-complete", label(teamLabel), "no team is named")
	}
}

func (facts *facts) defaultsPresent() {
	labels, annotations := additions(facts.policy, facts.request)
	for key := range labels {
		if !slices.Contains(identity, key) {
			facts.add("defaults-present", label(key), "it is missing")
		}
	}
	for key := range annotations {
		facts.add("defaults-present", annotation(key), "it is missing")
	}
}

func (facts *facts) podSecurity() {
	if !facts.managed || facts.admin {
		return
	}
	tier, known := facts.policy.tiers[facts.new.Labels[tierLabel]]
	if !known {
		tier = facts.policy.tiers[facts.policy.DefaultTier]
	}
	for _, mode := range modes {
		key := podSecurityPrefix + mode
		sent, stated := facts.new.Labels[key]
		floor, wanted := tier.PodSecurity[mode]
		enough := stated && slices.Index(levels, sent) >= slices.Index(levels, floor)
		if wanted && facts.changed(key) && !enough && (stated || facts.old != nil) {
			facts.forbid("pod-security-floor", label(key), "%q is below %s", sent, floor)
		}
		version, pinned := facts.new.Labels[key+"-version"]
		if pinned && version != "latest" && facts.changed(key+"-version") {
			facts.forbid("pod-security-floor", label(key+"-version"), "%q pins the level", version)
		}
	}
}

func (facts *facts) requester() {
	if facts.old != nil || facts.policy.actsForOthers(facts.UserInfo) {
		return
	}
	if sent, stated := facts.new.Annotations[requestedBy]; stated && sent != facts.UserInfo.Username {
		facts.forbid("requested-by-true", annotation(requestedBy), "%q is not the caller", sent)
	}
}

func (facts *facts) owners() {
	if !facts.managed || facts.admin {
		return
	}
	for _, owner := range facts.new.OwnerReferences {
		if facts.old == nil || !slices.Contains(facts.old.OwnerReferences, owner) {
			facts.forbid("no-owner-references", "metadata.ownerReferences", "%q would own it", owner.Name)
		}
	}
}

func (facts *facts) immutable() {
	if facts.old == nil || facts.admin {
		return
	}
	for _, key := range identity {
		before, after := facts.old.Labels[key], facts.new.Labels[key]
		ours := key != managedByLabel || before == manager || after == manager
		if ours && facts.changed(key) {
			facts.forbid("managed-labels-immutable", label(key), "was %q, would be %q", before, after)
		}
	}
	if differs(facts.old.Annotations, facts.new.Annotations, requestedBy) {
		facts.forbid("managed-labels-immutable", annotation(requestedBy), "it would change")
	}
}

func (facts *facts) answer() *response {
	if len(facts.found) == 0 {
		return &response{Allowed: true}
	}
	refusal := &status{Code: http.StatusForbidden, Reason: "Forbidden"}
	lines := make([]string, 0, len(facts.found))
	for _, each := range facts.found {
		lines = append(lines, fmt.Sprintf("[%s] %s: %s", each.rule, each.path, each.text))
		if !each.forbidden {
			refusal.Code, refusal.Reason = http.StatusUnprocessableEntity, "Invalid"
		}
	}
	refusal.Message = strings.Join(lines, "\n")
	return &response{Status: refusal}
}

func (facts *facts) add(rule, path, format string, values ...any) {
	facts.found = append(facts.found, violation{rule, path, fmt.Sprintf(format, values...), false})
}

func (facts *facts) forbid(rule, path, format string, values ...any) {
	facts.found = append(facts.found, violation{rule, path, fmt.Sprintf(format, values...), true})
}

func (facts *facts) changed(key string) bool {
	return facts.old == nil || differs(facts.old.Labels, facts.new.Labels, key)
}

func differs(before, after map[string]string, key string) bool {
	was, had := before[key]
	is, has := after[key]
	return had != has || was != is
}

func label(key string) string      { return "metadata.labels[" + key + "]" }
func annotation(key string) string { return "metadata.annotations[" + key + "]" }
