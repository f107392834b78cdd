package version

import (
	"slices"
	"testing"
)

func TestCompare(t *testing.T) {
	// each line ascends; what stands in one group is equal
	for _, line := range [][][]string{
		{{"0~~"}, {"0~~a"}, {"0~"}, {"0", "", "00", "0-0", "-0", "0:0", "000:0-00"}, {"0a"}},
		{{"1.0~"}, {"1.0~beta1~svn1245-1"}, {"1.0~beta1"}, {"1.0", "1.0-0", "1.0-", "1.00"}, {"1.0-0.1"}, {"1.0-1~bpo12+1.1"}, {"1.0-1", "1.0-01"}},
		{{"1.0-1~bpo12+1"}, {"1.0-1"}, {"1.0-1+b1"}, {"1.0-1+b2"}, {"1.0-1+b10"}, {"1.0-1+deb12u1"}, {"1.0-1.1"}, {"1.0-2"}, {"1.0-10"}},
		{{"9"}, {"10"}, {"010a"}, {"10b"}, {"10+"}, {"10."}},
		{{"99999999999999999999"}, {"100000000000000000000", "0100000000000000000000"}, {"100000000000000000001"}},
		{{"9.9"}, {"1:0"}, {"01:1", "1:1"}, {"2:0~"}, {"10:0"}, {"99999999999999999999:0"}},
		{{"1a"}, {"1b"}, {"1z"}, {"1+"}, {"1."}, {"1:0"}},
		{{"1Z"}, {"1a"}, {"1aa"}, {"1a+"}},
		{{"1.2"}, {"1.2a"}, {"1.2.0"}, {"1.2.1"}, {"1.10"}},
		{{"1-1-1"}, {"1-1-2"}, {"1-2-1"}},
		{{"2.36-9+deb12u4"}, {"2.36-9+deb12u10"}, {"2.36-10"}},
		{{"1.0~1"}, {"1.0"}, {"1.0.~1"}, {"1.0.1"}},
		{{"a"}, {"a1"}, {"b"}, {"b:1"}}, // no epoch: not a number
	} {
		for i, lower := range line {
			for _, a := range lower {
				for _, b := range lower {
					if c := Compare(a, b); c != 0 {
						t.Errorf("%q and %q: %d, want 0", a, b, c)
					}
				}
				for _, higher := range line[i+1:] {
					for _, b := range higher {
						if c := Compare(a, b); c != -1 {
							t.Errorf("%q and %q: %d, want -1", a, b, c)
						}
						if c := Compare(b, a); c != 1 {
							t.Errorf("%q and %q: %d, want 1", b, a, c)
						}
					}
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for v, want := range map[string]string{
		"1": "", "1.0-1": "", "2:1.0-1-1": "", "0~a+b.c": "", "1:1:1": "",
		"":       "a version cannot be empty",
		":1":     `the epoch in version ":1" is not a number`,
		"a:1":    `the epoch in version "a:1" is not a number`,
		"-1:1":   `the epoch in version "-1:1" is not a number`,
		"a1":     `version "a1" does not start with a digit`,
		"1:":     `version "" does not start with a digit`,
		"-1":     `version "-1" does not start with a digit`,
		"1_2":    `version "1_2" holds a character that no version may hold`,
		"1-é":    `version "1-é" holds a character that no version may hold`,
		"1-":     `the revision in version "1-" is not valid`,
		"1-1:":   `the epoch in version "1-1:" is not a number`,
		"0:1-1:": `the revision in version "1-1:" is not valid`,
	} {
		got := ""
		if err := Check(v); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", v, got, want)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0~rc1-1", "1:0-0", "1.0a+2-3")
	f.Add("", "~", "0")
	f.Add("a:1", "1:a", "00:~~")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := Compare(a, b), Compare(b, c), Compare(a, c)
		if Compare(b, a) != -ab || Compare(a, a) != 0 {
			t.Errorf("%q and %q are not ordered", a, b)
		}
		if ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 || ab == 0 && bc != ac {
			t.Errorf("%q, %q, %q: %d %d %d", a, b, c, ab, bc, ac)
		}
		all := []string{a, b, c}
		slices.SortFunc(all, Compare)
		if Compare(all[0], all[2]) > 0 {
			t.Errorf("sorting gives %q", all)
		}
		_ = Check(a)
	})
}
