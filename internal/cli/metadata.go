package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/plinth-build/plinth/internal/diag"
	"github.com/plinth-build/plinth/internal/fleet"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/plan"
	"github.com/plinth-build/plinth/internal/store"
	"github.com/plinth-build/plinth/internal/wholefile"
)

// metadata is what --metadata-file says of a target, under the keys that docker
// buildx bake --metadata-file has, so that scripts need not change.
type metadata struct {
	ConfigDigest string             `json:"containerimage.config.digest"`
	Descriptor   ocispec.Descriptor `json:"containerimage.descriptor"`
	Digest       string             `json:"containerimage.digest"`
	Names        string             `json:"image.name"` // with tags, separated by commas
	Status       fleet.Status       `json:"plinth.status"`
	Revision     string             `json:"plinth.revision,omitempty"`
}

// names are the tags of the targets, which are checked before anything is built.
func (s *session) names(targets []*graph.Target, number string, now time.Time) (map[string]string, error) {
	out := map[string]string{}
	var problems diag.List
	for _, t := range targets {
		data := s.known.tagData(t, now)
		data.BuildNumber = number
		tags, err := t.ExpandTags(data)
		problems.AddErr(err)
		for i := range tags {
			tags[i] = s.catalog.Config.Registry + "/" + t.Name + ":" + tags[i]
		}
		out[t.Name] = strings.Join(tags, ",")
	}
	return out, problems.Err()
}

// wantMetadata finds out before anything is built whether --metadata-file can
// be written, and the names that will stand in it.
func (s *session) wantMetadata(flags buildFlags, targets []*graph.Target, now time.Time) (map[string]string, error) {
	if flags.metadataFile == "" {
		return nil, nil //nolint:nilnil // nobody asks
	}
	if info, err := os.Stat(filepath.Dir(flags.metadataFile)); err != nil || !info.IsDir() {
		return nil, diag.Errorf(diag.Position{}, "cannot write %s: there is no folder %s", flags.metadataFile, filepath.Dir(flags.metadataFile)).
			Hint("make it: mkdir -p %s", filepath.Dir(flags.metadataFile)).WithCode(diag.ExitUsage)
	}
	return s.names(targets, *flags.buildNumber, now)
}

// writeMetadata describes the targets that there are, also after others failed.
func (s *session) writeMetadata(file string, targets []*graph.Target, rows []fleet.Row, names map[string]string, st *store.Store) error {
	out := map[string]metadata{}
	for i, row := range rows {
		if row.Status != fleet.Built && row.Status != fleet.Reused {
			continue
		}
		var last plan.Snapshot
		st.LoadTarget(row.Target, &last)
		result, err := st.Lookup(last.ID)
		if err != nil || result.ID == "" {
			continue // its row says what is wrong
		}
		m, err := st.ReadManifest(result.Manifest.Digest)
		if err != nil {
			return diag.Errorf(diag.Position{}, "cannot write %s: %w", file, err)
		}
		out[row.Target] = metadata{
			ConfigDigest: m.Config.Digest.String(), Descriptor: result.Manifest, Digest: row.Digest,
			Names: names[row.Target], Status: row.Status, Revision: s.known.of(targets[i]).String(),
		}
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = wholefile.Bytes(file, append(data, '\n'))
	}
	return explained(err, file)
}
