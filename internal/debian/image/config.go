package image

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/store"
)

// architectures maps Debian's names to those of OCI, with the variant.
var architectures = map[string][2]string{
	"amd64":    {"amd64"},
	"arm64":    {"arm64", "v8"},
	"armel":    {"arm", "v5"},
	"armhf":    {"arm", "v7"},
	"i386":     {"386"},
	"mips64el": {"mips64le"},
	"ppc64el":  {"ppc64le"},
	"riscv64":  {"riscv64"},
	"s390x":    {"s390x"},
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// finish writes config and manifest.
func (b *builder) finish(layers []layer) (Result, error) {
	config, err := b.config(layers)
	if err != nil {
		return Result{}, b.errorf("%w", err)
	}
	desc, err := b.st.PutBytes(ocispec.MediaTypeImageConfig, config)
	if err != nil {
		return Result{}, b.errorf("%w", err)
	}
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: desc, Layers: []ocispec.Descriptor{}, Annotations: b.Spec.Annotations}
	if b.parent != nil {
		m.Layers = append(m.Layers, b.parent.manifest.Layers...)
	}
	for _, l := range layers {
		m.Layers = append(m.Layers, l.Descriptor)
	}
	var size int64
	for _, l := range m.Layers {
		size += l.Size
	}
	data, err := json.Marshal(m)
	if err != nil {
		return Result{}, b.errorf("%w", err)
	}
	manifest, err := b.st.PutBytes(ocispec.MediaTypeImageManifest, data)
	if err != nil {
		return Result{}, b.errorf("%w", err)
	}
	platform := architectures[b.Arch]
	manifest.Platform = &ocispec.Platform{OS: "linux", Architecture: platform[0], Variant: platform[1]}
	return Result{Manifest: manifest, Size: size}, nil
}

// config is the image config. A parent's is edited as raw JSON, which keeps
// the fields that no struct here knows.
func (b *builder) config(layers []layer) ([]byte, error) {
	doc := map[string]json.RawMessage{}
	run := map[string]json.RawMessage{}
	var history []json.RawMessage
	var rootfs struct {
		Type    string          `json:"type"`
		DiffIDs []digest.Digest `json:"diff_ids"`
	}
	if b.parent != nil {
		for _, part := range []struct {
			data []byte
			into any
		}{{b.parent.config, &doc}, {doc0(b.parent.config, "config"), &run}, {doc0(b.parent.config, "history"), &history}, {doc0(b.parent.config, "rootfs"), &rootfs}} {
			if part.data == nil {
				continue
			}
			if err := json.Unmarshal(part.data, part.into); err != nil {
				return nil, fmt.Errorf("cannot read the parent's config: %w", err)
			}
		}
	}
	epoch := time.Unix(b.Epoch, 0).UTC().Format(time.RFC3339)
	created := epoch
	if !b.Created.IsZero() {
		created = b.Created.UTC().Format(time.RFC3339)
	}
	rootfs.Type = "layers"
	for _, l := range layers {
		rootfs.DiffIDs = append(rootfs.DiffIDs, l.DiffID)
		entry, err := json.Marshal(map[string]string{"created": epoch, "created_by": l.by})
		if err != nil {
			return nil, err
		}
		history = append(history, entry)
	}
	platform := architectures[b.Arch]
	fields := map[string]any{"created": created, "architecture": platform[0], "os": "linux", "rootfs": rootfs, "history": history}
	if platform[1] != "" {
		fields["variant"] = platform[1]
	}
	if err := b.runConfig(run); err != nil {
		return nil, err
	}
	fields["config"] = run
	for name, v := range fields {
		data, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		doc[name] = data
	}
	return json.Marshal(doc)
}

// doc0 is the field name of the JSON object data, nil when it has none.
func doc0(data []byte, name string) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || string(fields[name]) == "null" {
		return nil
	}
	return fields[name]
}

// runConfig edits the part of the config that says how to run the image.
func (b *builder) runConfig(run map[string]json.RawMessage) error {
	var env []string
	labels, ports := map[string]string{}, map[string]struct{}{}
	for name, into := range map[string]any{"Env": &env, "Labels": &labels, "ExposedPorts": &ports} {
		if data := run[name]; data != nil {
			if err := json.Unmarshal(data, into); err != nil {
				return fmt.Errorf("cannot read the parent's config: %w", err)
			}
		}
	}
	env = setDefault(env, defaultPath)
	if b.Spec.Mode == Distroless && b.hasRoots() {
		env = setDefault(env, "SSL_CERT_FILE=/"+caBundle)
	}
	if home := b.javaHome(); home != "" {
		env = setDefault(env, "JAVA_HOME="+home)
	}
	for _, e := range b.Spec.Env {
		env = set(env, e)
	}
	maps.DeleteFunc(labels, func(key, _ string) bool { return store.IsFactLabel(key) }) // they are the parent's
	maps.Copy(labels, b.Spec.Labels)
	for _, p := range b.Spec.ExposedPorts {
		if !strings.Contains(p, "/") {
			p += "/tcp"
		}
		ports[p] = struct{}{}
	}
	s := b.Spec
	for name, v := range map[string]struct {
		value any
		set   bool
	}{
		"Env": {env, true}, "Labels": {labels, len(labels) > 0 || run["Labels"] != nil}, "ExposedPorts": {ports, len(ports) > 0},
		"Entrypoint": {s.Entrypoint, s.Entrypoint != nil}, "Cmd": {s.Cmd, s.Cmd != nil}, "User": {s.User, s.User != ""},
		"WorkingDir": {s.WorkingDir, s.WorkingDir != ""}, "StopSignal": {s.StopSignal, s.StopSignal != ""},
	} {
		if !v.set {
			continue
		}
		data, err := json.Marshal(v.value)
		if err != nil {
			return err
		}
		run[name] = data
	}
	if s.Entrypoint != nil && s.Cmd == nil {
		delete(run, "Cmd") // as in a Dockerfile: the parent's arguments were for the parent's program
	}
	return nil
}

// set replaces or appends NAME=value.
func set(env []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	for i, e := range env {
		if strings.HasPrefix(e, name+"=") {
			env[i] = entry
			return env
		}
	}
	return append(env, entry)
}

// setDefault appends NAME=value when there is no NAME.
func setDefault(env []string, entry string) []string {
	name, _, _ := strings.Cut(entry, "=")
	if slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
		return env
	}
	return append(env, entry)
}
