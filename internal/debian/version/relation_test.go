package version

import (
	"reflect"
	"testing"
)

func TestParseRelations(t *testing.T) {
	for in, want := range map[string][][]Relation{
		"":      nil,
		" , ,":  nil,
		"libc6": {{{Name: "libc6"}}},
		"a (>= 1) [amd64] <!nocheck> | b:any,\n c": {
			{{Name: "a", Op: LaterEqual, Version: "1", Arches: []string{"amd64"}, Profiles: [][]string{{"!nocheck"}}}, {Name: "b", Arch: "any"}},
			{{Name: "c"}}},
		"a(<<2:1~rc-1)":  {{{Name: "a", Op: Earlier, Version: "2:1~rc-1"}}},
		"a ( = 1.0+b1 )": {{{Name: "a", Op: Equal, Version: "1.0+b1"}}},
		"a (> 1), b (< 2), c (>> 3), d (<= 4)": {{{Name: "a", Op: LaterEqual, Version: "1"}}, {{Name: "b", Op: EarlierEqual, Version: "2"}},
			{{Name: "c", Op: Later, Version: "3"}}, {{Name: "d", Op: EarlierEqual, Version: "4"}}},
		"g++-12:amd64 (= 12.2.0-14)":  {{{Name: "g++-12", Arch: "amd64", Op: Equal, Version: "12.2.0-14"}}},
		"x [!i386 !arm64] <a b> <!c>": {{{Name: "x", Arches: []string{"!i386", "!arm64"}, Profiles: [][]string{{"a", "b"}, {"!c"}}}}},
		"azAZ09+-._":                  {{{Name: "azAZ09+-._"}}},
		"R_base, 3proxy.x":            {{{Name: "R_base"}}, {{Name: "3proxy.x"}}},
	} {
		got, err := ParseRelations(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, error %v", in, got, err)
		}
	}
}

func TestParseRelationErrors(t *testing.T) {
	for in, want := range map[string]string{
		"a (1)":       `cannot read the relation "a (1)": it has no valid comparison`,
		"a (=> 1)":    `cannot read the relation "a (=> 1)": it has no valid comparison`,
		"a (>= )":     `cannot read the relation "a (>= )": it has no valid version`,
		"a (>= 1 2)":  `cannot read the relation "a (>= 1 2)": it has no valid version`,
		"a (>= 1":     `cannot read the relation "a (>= 1": "(>= 1" is not expected there`,
		"a b":         `cannot read the relation "a b": "b" is not expected there`,
		"(>= 1)":      `cannot read the relation "(>= 1)": it does not start with a package name`,
		"a | | b":     `cannot read the relation "": it does not start with a package name`,
		"-a":          `cannot read the relation "-a": it does not start with a package name`,
		"a@b":         `cannot read the relation "a@b": it does not start with a package name`,
		"a:":          `cannot read the relation "a:": nothing valid stands after the colon`,
		"a []":        `cannot read the relation "a []": no architecture stands between the brackets`,
		"a <>":        `cannot read the relation "a <>": no profile stands between < and >`,
		"a [x] (= 1)": `cannot read the relation "a [x] (= 1)": "(= 1)" is not expected there`,
	} {
		got, err := ParseRelations("first, " + in + ", last")
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v", in, err)
		}
		if !reflect.DeepEqual(got, [][]Relation{{{Name: "first"}}, {{Name: "last"}}}) {
			t.Errorf("%q: the good groups are %v", in, got)
		}
	}
}

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		op                  Op
		older, equal, newer bool
	}{
		{None, true, true, true}, {Equal, false, true, false}, {Earlier, true, false, false}, {EarlierEqual, true, true, false},
		{Later, false, false, true}, {LaterEqual, false, true, true}, {"?", false, false, false},
	} {
		r := Relation{Name: "a", Op: c.op, Version: "1.0"}
		if r.Holds("1.0~") != c.older || r.Holds("1.00") != c.equal || r.Holds("1.0-1") != c.newer {
			t.Errorf("%q: %v %v %v", c.op, r.Holds("1.0~"), r.Holds("1.00"), r.Holds("1.0-1"))
		}
	}
}

func TestApplies(t *testing.T) {
	for in, want := range map[string]bool{
		"a": true, "a [amd64]": true, "a [arm64]": false, "a [arm64 amd64]": true, "a [!amd64]": false, "a [!arm64]": true,
		"a [!arm64 !amd64]": false, "a [linux-any]": true, "a [any-amd64]": true, "a [linux-amd64]": true, "a [any]": true,
		"a [hurd-any]": false, "a [!any]": false, "a <!nocheck>": true, "a <nocheck>": false, "a <!a !b>": true, "a <!a b>": false,
		"a <b> <!a>": true, "a [amd64] <b>": false,
	} {
		r, err := ParseRelation(in)
		if err != nil || r.Applies("amd64") != want {
			t.Errorf("%q: %v, error %v", in, !want, err)
		}
		if r.String() != in {
			t.Errorf("%q prints %q", in, r)
		}
	}
}

func FuzzParseRelations(f *testing.F) {
	f.Add("a (>= 1) [amd64] <!nocheck> | b:any, c (<< 2:3-4)")
	f.Add("a ((, | [] <>:")
	f.Fuzz(func(t *testing.T, in string) {
		groups, err := ParseRelations(in)
		if err != nil {
			return
		}
		text := ""
		for _, g := range groups {
			text += FormatGroup(g) + ", "
		}
		again, err := ParseRelations(text)
		if err != nil || !reflect.DeepEqual(again, groups) {
			t.Errorf("%q is written as %q, which reads as %v (%v)", in, text, again, err)
		}
	})
}
