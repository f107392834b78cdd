package rules

import (
	"slices"
	"strings"
)

// nameHas says whether a part of a name, as slashes, colons, dashes and the like separate them, is one of these
// words.
func nameHas(name string, words ...string) bool {
	return slices.ContainsFunc(nameParts(name), func(part string) bool { return slices.Contains(words, part) })
}

func nameParts(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return strings.ContainsRune("/:-_.@ +", c) })
}

// englishList joins names with commas and "and".
func englishList(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
