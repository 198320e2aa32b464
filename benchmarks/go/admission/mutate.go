package main

import (
	"encoding/json"
	"strings"
)

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// mutate answers with the patch that completes a new namespace.
func mutate(policy *policy, asked *request) (*response, error) {
	labels, annotations := additions(policy, asked)
	stated := &asked.Object.Metadata
	operations := append(
		into("/metadata/labels", labels, stated.Labels != nil),
		into("/metadata/annotations", annotations, stated.Annotations != nil)...,
	)
	answer := &response{Allowed: true}
	if len(operations) == 0 {
		return answer, nil
	}
	patch, err := json.Marshal(operations)
	answer.PatchType, answer.Patch = "JSONPatch", patch
	return answer, err
}

// additions are the labels and annotations that a new namespace should have and does not state.
func additions(policy *policy, asked *request) (labels, annotations map[string]string) {
	stated := &asked.Object.Metadata
	if asked.Operation != create || !covered(policy, stated) {
		return nil, nil
	}
	labels = map[string]string{managedByLabel: manager}
	tier := stated.Labels[tierLabel]
	if policy.Unlabelled == "default" {
		labels[tierLabel] = policy.DefaultTier
		if tier == "" {
			tier = policy.DefaultTier
		}
	}
	if asked.Name != "" {
		labels[teamLabel] = policy.team(asked.UserInfo, asked.Name)
	}
	for mode, level := range policy.tiers[tier].PodSecurity {
		labels[podSecurityPrefix+mode] = level
	}
	annotations = map[string]string{requestedBy: asked.UserInfo.Username}
	return without(labels, stated.Labels), without(annotations, stated.Annotations)
}

// covered tells whether a new namespace is any of our business.
func covered(policy *policy, stated *metadata) bool {
	_, tier := stated.Labels[tierLabel]
	_, team := stated.Labels[teamLabel]
	return tier || team || stated.Labels[managedByLabel] == manager || policy.Unlabelled != "ignore"
}

func without(wanted, stated map[string]string) map[string]string {
	for key := range wanted {
		if _, found := stated[key]; found {
			delete(wanted, key)
		}
	}
	return wanted
}

var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func into(path string, added map[string]string, exists bool) []operation {
	if len(added) == 0 {
		return nil
	}
	if !exists {
		return []operation{{"add", path, added}}
	}
	operations := make([]operation, 0, len(added))
	for key, value := range added {
		operations = append(operations, operation{"add", path + "/" + pointer.Replace(key), value})
	}
	return operations
}
