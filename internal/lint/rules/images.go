package rules

import "strings"

// imageName is the name of an image in parts. A part that is not there is empty.
type imageName struct {
	Registry string // gcr.io; "" for Docker Hub
	Path     string // library/debian, debian
	Tag      string
	Digest   string
}

// splitImage reads the name of an image. It takes everything: names may have variables in them.
func splitImage(name string) (i imageName) {
	name, i.Digest, _ = strings.Cut(name, "@")
	if c := strings.LastIndexByte(name, ':'); c > strings.LastIndexByte(name, '/') {
		name, i.Tag = name[:c], name[c+1:]
	}
	i.Path = name
	if first, rest, ok := strings.Cut(name, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		i.Registry, i.Path = first, rest
	}
	return i
}
