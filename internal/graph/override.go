package graph

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/diag"
)

// Override changes one setting of some targets for one run, as --set of docker
// buildx bake does: TARGET.KEY=VALUE, where TARGET is a name or a glob.
type Override struct {
	text    string
	pattern string
	key     string // args, labels, target, squash, temp, tags, version
	name    string // of the argument or label
	value   string
}

// overrideKeys are what can be set; those that end in a dot take a name.
var overrideKeys = [...]string{"args.", "labels.", "target", "squash", "temp", "tags", "version"}

// ParseOverride reads TARGET.KEY=VALUE. The error is one with ExitUsage.
func ParseOverride(s string) (Override, error) {
	left, value, ok := strings.Cut(s, "=")
	target, key, dot := cutTarget(left)
	o := Override{text: s, pattern: target, key: key, value: value}
	switch {
	case !ok || !dot || target == "":
		return Override{}, badOverride(s, "it is not TARGET.KEY=VALUE").Hint("for example: --set 'java*.args.VERSION=21'")
	case strings.HasPrefix(key, "args.") || strings.HasPrefix(key, "labels."):
		o.key, o.name, _ = strings.Cut(key, ".")
		if o.name == "" {
			return Override{}, badOverride(s, fmt.Sprintf("%s needs a name behind it", o.key)).Hint("for example: --set '%s.%s.NAME=VALUE'", target, o.key)
		}
	case !slices.Contains(overrideKeys[:], key):
		e := badOverride(s, fmt.Sprintf("there is no key %q", key))
		if near := diag.Nearest(key, overrideKeys[:]); near != "" {
			return Override{}, e.Hint("did you mean %s?", near)
		}
		return Override{}, e.Hint("the keys are: %s", strings.Join(placeholders(overrideKeys[:]), ", "))
	}
	if _, err := path.Match(target, ""); err != nil {
		return Override{}, badOverride(s, "the glob is broken")
	}
	squashes := []string{string(catalog.SquashOwn), string(catalog.SquashAll), string(catalog.SquashNone)}
	if o.key == "squash" && !slices.Contains(squashes, value) {
		return Override{}, badOverride(s, fmt.Sprintf("squash is one of: %s", strings.Join(squashes, ", ")))
	}
	return o, nil
}

// cutTarget splits at the dot before the key: names of targets have dots too.
func cutTarget(s string) (target, key string, ok bool) {
	best := -1
	for _, k := range overrideKeys {
		if strings.HasSuffix(k, ".") {
			if i := strings.Index(s, "."+k); i >= 0 && (best < 0 || i < best) {
				best = i
			}
		} else if strings.HasSuffix(s, "."+k) && best < 0 {
			best = len(s) - len(k) - 1
		}
	}
	if best < 0 {
		best = strings.LastIndex(s, ".")
	}
	if best < 0 {
		return "", "", false
	}
	return s[:best], s[best+1:], true
}

// placeholders puts NAME behind the keys that need one.
func placeholders(keys []string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k
		if strings.HasSuffix(k, ".") {
			out[i] += "NAME"
		}
	}
	return out
}

func badOverride(s, why string) *diag.Error {
	return diag.Errorf(diag.Position{}, "cannot use --set %s: %s", strconv.Quote(s), why).WithCode(diag.ExitUsage)
}

// override applies the overrides that match a target.
func (b *builder) override(t *Target) {
	for i, o := range b.overrides {
		if ok, _ := path.Match(o.pattern, t.Name); !ok {
			continue
		}
		b.overrode[i] = true
		switch o.key {
		case "args":
			t.Args[o.name] = o.value
		case "labels":
			t.Labels[o.name] = o.value
		case "target":
			t.Stage = o.value
		case "squash":
			t.Squash = catalog.Squash(o.value)
		case "temp":
			t.Temp, t.noTemp = fields(o.value), o.value == ""
		case "tags":
			t.Tags = fields(o.value)
		case "version":
			t.Version = o.value
			t.Labels[versionLabel] = o.value
		}
		if t.Packages != nil && slices.Contains([]string{"args", "target", "squash", "temp"}, o.key) {
			b.problems.Add(badOverride(o.text, fmt.Sprintf("%s is made of packages and has no %s", t.Name, o.key)))
		}
	}
}

// fields splits a list at its commas; of nothing there are none.
func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// unusedOverrides reports overrides that match no target: a slip that would go unnoticed.
func (b *builder) unusedOverrides() {
	for i, o := range b.overrides {
		if b.overrode[i] {
			continue
		}
		e := badOverride(o.text, fmt.Sprintf("no target is called %s", o.pattern))
		if near := diag.Nearest(o.pattern, b.names); near != "" {
			e.Hint("did you mean %s?", near)
		}
		b.problems.Add(e)
	}
}
