package dockerfile

import (
	"slices"
	"testing"
)

func TestAsked(t *testing.T) {
	f, err := Parse("Dockerfile", []byte(`FROM a AS one
RUN --mount=type=secret,id=npm --mount=type=ssh true
RUN --mount=type=secret,target=/etc/pip.conf --mount=type=cache,id=nope,target=/c true
FROM b
ONBUILD RUN --mount=type=secret,id=later --mount=type=ssh,id=git true
ONBUILD NOPENOPE
RUN --mount=type=secret,src=bysource --mount=type=secret,id=npm,env=X true
RUN true
`))
	if err != nil {
		t.Fatal(err)
	}
	secrets, agents := f.Asked()
	if want := []string{"bysource", "later", "npm", "pip.conf"}; !slices.Equal(secrets, want) {
		t.Errorf("secrets %q, want %q", secrets, want)
	}
	if want := []string{"default", "git"}; !slices.Equal(agents, want) {
		t.Errorf("agents %q, want %q", agents, want)
	}
}
