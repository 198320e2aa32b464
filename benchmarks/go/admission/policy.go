package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
)

// catalogue is the part of the tier catalogue that the rules look at, as the benchmark writes it.
type catalogue struct {
	Policy policy          `json:"policy"`
	Tiers  map[string]tier `json:"tiers"`
}

type policy struct {
	DefaultTier      string   `json:"defaultTier"`
	Unlabelled       string   `json:"unlabelled"`
	NamePattern      string   `json:"namePattern"`
	ReservedNames    []string `json:"reservedNames"`
	ReservedPrefixes []string `json:"reservedPrefixes"`
	ExemptNames      []string `json:"exemptNames"`
	AdminGroups      []string `json:"adminGroups"`
	Requesters       []string `json:"requesters"`
	TeamGroups       string   `json:"teamGroups"` // as in "team-{team}"; empty: groups name no team

	name  *regexp.Regexp
	tiers map[string]tier
}

type tier struct {
	PodSecurity map[string]string `json:"podSecurity"` // level by mode
}

func loadPolicy(file string) (*policy, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var loaded catalogue
	if err := json.Unmarshal(content, &loaded); err != nil {
		return nil, err
	}
	policy := &loaded.Policy
	policy.tiers = loaded.Tiers
	policy.ReservedNames = slices.Concat(
		policy.ReservedNames,
		policy.ExemptNames,
		[]string{"default", "kube-node-lease", "kube-public", "kube-system"},
	)
	policy.name, err = regexp.Compile(`\A(?:` + policy.NamePattern + `)\z`)
	return policy, err
}

func (policy *policy) isAdmin(user userInfo) bool {
	return slices.ContainsFunc(user.Groups, func(group string) bool {
		return slices.Contains(policy.AdminGroups, group)
	})
}

// actsForOthers tells whether the user creates namespaces for teams that are not its own.
func (policy *policy) actsForOthers(user userInfo) bool {
	return slices.Contains(policy.Requesters, user.Username) || policy.isAdmin(user)
}

// isMember is true, too, where groups name no team.
func (policy *policy) isMember(user userInfo, team string) bool {
	return policy.TeamGroups == "" ||
		slices.Contains(user.Groups, strings.Replace(policy.TeamGroups, "{team}", team, 1))
}

// team is whose a new namespace is when it does not say: the user's team that its name begins with,
// or one of its own name.
func (policy *policy) team(user userInfo, name string) string {
	prefix, suffix, named := strings.Cut(policy.TeamGroups, "{team}")
	longest := ""
	for _, group := range user.Groups {
		rest, begins := strings.CutPrefix(group, prefix)
		team, ends := strings.CutSuffix(rest, suffix)
		if named && begins && ends && len(team) > len(longest) && strings.HasPrefix(name+"-", team+"-") {
			longest = team
		}
	}
	if longest == "" {
		return name
	}
	return longest
}
