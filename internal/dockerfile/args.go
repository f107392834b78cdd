package dockerfile

import (
	"maps"
	"slices"

	"github.com/containerd/platforms"

	"github.com/plinth-build/plinth/internal/ociref"
)

// env is a set of variables as BuildKit's lexer wants it.
type env struct {
	values   map[string]string
	declared map[string]bool // with or without a value
}

func newEnv() *env {
	return &env{values: map[string]string{}, declared: map[string]bool{}}
}

func (e *env) set(name, value string) { e.values[name] = value }

func (e *env) declare(name string) { e.declared[name] = true }

// Get is part of shell.EnvGetter.
func (e *env) Get(name string) (string, bool) {
	v, ok := e.values[name]
	return v, ok
}

// Keys is part of shell.EnvGetter.
func (e *env) Keys() []string { return slices.Sorted(maps.Keys(e.values)) }

// platformArgs are the arguments that FROM sees without an ARG. A build
// argument of the same name wins, as in BuildKit.
func platformArgs(target ociref.Platform, args map[string]string, stage string) *env {
	build := ociref.Host()
	if target == (ociref.Platform{}) {
		target = build
	}
	if stage == "" {
		stage = "default"
	}
	e := newEnv()
	for _, kv := range [...][2]string{
		{"BUILDPLATFORM", build.String()},
		{"BUILDOS", build.OS},
		{"BUILDOSVERSION", ""},
		{"BUILDARCH", build.Arch},
		{"BUILDVARIANT", build.Variant},
		{"TARGETPLATFORM", target.String()},
		{"TARGETOS", target.OS},
		{"TARGETOSVERSION", ""},
		{"TARGETARCH", target.Arch},
		{"TARGETVARIANT", target.Variant},
		{"TARGETSTAGE", stage},
	} {
		value := kv[1]
		if v, ok := args[kv[0]]; ok {
			value = v
		}
		e.set(kv[0], value)
	}
	return e
}

// formatPlatform reads what --platform takes (also an operating system alone)
// and writes it as os/arch or os/arch/variant.
func formatPlatform(s string) (string, error) {
	p, err := platforms.Parse(s)
	if err != nil {
		return "", err
	}
	return platforms.Format(platforms.Normalize(p)), nil
}
