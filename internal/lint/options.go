package lint

// Options are what the rules themselves can be told, beside being on or off. The zero value is
// what hadolint does without a configuration.
type Options struct {
	TrustedRegistries []string          // FROM may only name these; empty: all. * stands for anything
	LabelSchema       map[string]string // labels that have to be there, and what they hold: text, url, rfc3339, spdx, hash, semver, email
	StrictLabels      bool              // no other labels may be there
	NoPragmas         bool              // comments do not switch rules off
	RequireDigest     bool              // FROM has to name a digest, also where a lock pins it
	BaseArg           string            // FROM takes its image's registry from this ARG; "" for no such convention
	Hadolint          bool              // rules read a file as hadolint does, also where there is better to know; the hadolint profile sets it
}

// Folder is what a rule can see of the folder that a Dockerfile builds from.
type Folder struct {
	Dir          string            // as the user named it
	Dockerignore []byte            // nil when there is none
	IgnorePath   string            // the file that Dockerignore comes from
	Names        func() []string   // the names in the folder, sorted
	Exists       func(string) bool // whether a slash path below it is there
	IgnoredAbove func() bool       // whether a folder above it, in the same repository, has a .dockerignore: that one is the context then
}
