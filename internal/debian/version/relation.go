package version

import (
	"fmt"
	"slices"
	"strings"
)

// Op is a relation's comparison.
type Op string

// The comparisons of policy 7.1. None holds for every version.
const (
	None         Op = ""
	Equal        Op = "="
	Earlier      Op = "<<"
	EarlierEqual Op = "<="
	Later        Op = ">>"
	LaterEqual   Op = ">="
)

// Relation is one alternative: a package, maybe with a version, an
// architecture and restrictions on where it counts.
type Relation struct {
	Name    string
	Arch    string // the qualifier after a colon: "any", "native", "amd64", or ""
	Op      Op
	Version string // "" exactly when Op is None
	// Arches are the architectures in brackets, a leading ! kept; nil counts everywhere.
	Arches []string
	// Profiles are the build profile lists, each as written between < and >.
	Profiles [][]string
}

// Holds says whether version v satisfies the comparison.
func (r Relation) Holds(v string) bool {
	if r.Op == None {
		return true
	}
	c := Compare(v, r.Version)
	switch r.Op {
	case Equal:
		return c == 0
	case Earlier:
		return c < 0
	case EarlierEqual:
		return c <= 0
	case Later:
		return c > 0
	case LaterEqual:
		return c >= 0
	}
	return false
}

// Applies says whether the relation counts on a Debian architecture such as
// "amd64", with no build profile active.
func (r Relation) Applies(arch string) bool {
	return appliesOn(r.Arches, arch) && appliesWithoutProfiles(r.Profiles)
}

func appliesOn(arches []string, arch string) bool {
	if len(arches) == 0 {
		return true
	}
	negated := strings.HasPrefix(arches[0], "!")
	for _, a := range arches {
		if matchesArch(strings.TrimPrefix(a, "!"), arch) {
			return !negated
		}
	}
	return negated
}

// matchesArch compares an architecture with a name or a wildcard of policy 11.1.1. Only Linux is known.
func matchesArch(pattern, arch string) bool {
	return pattern == arch || pattern == "any" || pattern == "linux-any" || pattern == "any-"+arch || pattern == "linux-"+arch
}

func appliesWithoutProfiles(lists [][]string) bool {
	if len(lists) == 0 {
		return true
	}
	return slices.ContainsFunc(lists, func(list []string) bool {
		return !slices.ContainsFunc(list, func(p string) bool { return !strings.HasPrefix(p, "!") })
	})
}

// String writes the relation as a control file does.
func (r Relation) String() string {
	s := r.Name
	if r.Arch != "" {
		s += ":" + r.Arch
	}
	if r.Op != None {
		s += " (" + string(r.Op) + " " + r.Version + ")"
	}
	if len(r.Arches) > 0 {
		s += " [" + strings.Join(r.Arches, " ") + "]"
	}
	for _, p := range r.Profiles {
		s += " <" + strings.Join(p, " ") + ">"
	}
	return s
}

// FormatGroup writes alternatives with bars between them.
func FormatGroup(group []Relation) string {
	parts := make([]string, len(group))
	for i, r := range group {
		parts[i] = r.String()
	}
	return strings.Join(parts, " | ")
}

// ParseRelations reads the value of a relation field: groups separated by
// commas, each of which holds alternatives separated by bars. An empty value and
// empty groups (a comma at the end) are fine. On an error the
// groups that could be read are returned beside it.
func ParseRelations(field string) ([][]Relation, error) {
	var groups [][]Relation
	var firstErr error
	for part := range strings.SplitSeq(field, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		group := make([]Relation, 0, 1+strings.Count(part, "|"))
		var err error
		for alternative := range strings.SplitSeq(part, "|") {
			var r Relation
			if r, err = ParseRelation(alternative); err != nil {
				break
			}
			group = append(group, r)
		}
		if err == nil {
			groups = append(groups, group)
		} else if firstErr == nil {
			firstErr = err
		}
	}
	return groups, firstErr
}

// ParseRelation reads a single alternative.
func ParseRelation(text string) (Relation, error) {
	s := strings.TrimSpace(text)
	fail := func(why string) (Relation, error) {
		return Relation{}, fmt.Errorf("cannot read the relation %q: %s", strings.TrimSpace(text), why)
	}
	end := strings.IndexAny(s, " \t\r\n([<")
	if end < 0 {
		end = len(s)
	}
	var r Relation
	var qualified bool
	r.Name, r.Arch, qualified = strings.Cut(s[:end], ":")
	if !isName(r.Name) {
		return fail("it does not start with a package name")
	}
	if qualified && !isName(r.Arch) {
		return fail("nothing valid stands after the colon")
	}
	// each part may appear in this order only
	s = strings.TrimSpace(s[end:])
	if inner, rest, ok := bracketed(s, '(', ')'); ok {
		op := len(inner) - len(strings.TrimLeft(inner, "<>="))
		r.Op, r.Version = canonicalOp(inner[:op]), strings.TrimSpace(inner[op:])
		if r.Op == None {
			return fail("it has no valid comparison")
		}
		if r.Version == "" || strings.ContainsAny(r.Version, " \t\r\n()[]<>=") {
			return fail("it has no valid version")
		}
		s = rest
	}
	if inner, rest, ok := bracketed(s, '[', ']'); ok {
		r.Arches, s = strings.Fields(inner), rest
		if len(r.Arches) == 0 {
			return fail("no architecture stands between the brackets")
		}
	}
	for {
		inner, rest, ok := bracketed(s, '<', '>')
		if !ok {
			break
		}
		if strings.TrimSpace(inner) == "" {
			return fail("no profile stands between < and >")
		}
		r.Profiles, s = append(r.Profiles, strings.Fields(inner)), rest
	}
	if s != "" {
		return fail(fmt.Sprintf("%q is not expected there", s))
	}
	return r, nil
}

// bracketed cuts "(inner) rest" into its parts.
func bracketed(s string, open, close byte) (inner, rest string, ok bool) {
	if s == "" || s[0] != open {
		return "", s, false
	}
	end := strings.IndexByte(s, close)
	if end < 0 {
		return "", s, false
	}
	return strings.TrimSpace(s[1:end]), strings.TrimSpace(s[end+1:]), true
}

// canonicalOp reads a comparison. The old < and > mean "or equal", as dpkg and apt still read them.
func canonicalOp(s string) Op {
	switch Op(s) {
	case "<":
		return EarlierEqual
	case ">":
		return LaterEqual
	case Equal, Earlier, EarlierEqual, Later, LaterEqual:
		return Op(s)
	}
	return None
}

// isName accepts package and architecture names. Upper case and underscores
// are no valid names, but stand in real archives.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("+-._", rune(c))) {
			return false
		}
	}
	return s != ""
}
