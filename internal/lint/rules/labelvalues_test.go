package rules

import "testing"

func FuzzLabelValues(f *testing.F) {
	for _, seed := range []string{"", "https://example.com/%20", "2016-12-31T23:59:60Z", "MIT OR (GPL-2.0-only WITH x)", "1.2.3-a.b+c", "a@b", "ſſſſſſſſſſ", "com.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		valid := 0
		for _, is := range []func(string) bool{isURI, isRFC3339, isGitHash, isSemver, isEmail} {
			if is(s) {
				valid++
			}
		}
		if valid > 2 {
			t.Errorf("%q is %d things at once", s, valid)
		}
		isSPDX(s)
		labelKeyFault(s)
		isSecretName(s)
	})
}
