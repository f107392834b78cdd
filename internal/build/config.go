package build

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/store"
)

// Configs are edited as raw JSON: a Go struct would drop the fields it doesn't
// know, such as a health check's StartInterval.

// object is a JSON object. Its fields are written in the order of their names.
type object map[string]json.RawMessage

func readObject(data []byte) (object, error) {
	o := object{}
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("cannot read the image config: %w", err)
	}
	if o == nil {
		return nil, fmt.Errorf("cannot read the image config: it is null")
	}
	return o, nil
}

// set puts a value that can be written as JSON into a field.
func (o object) set(field string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("cannot write the image config: %w", err)
	}
	o[field] = data
	return nil
}

// get reads a field into a value; a field that is not there leaves it as it is.
func (o object) get(field string, value any) error {
	data, ok := o[field]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("cannot read the image config: %s: %w", field, err)
	}
	return nil
}

// finish changes the config that the front end made: what went to temporary paths
// makes no layer, and the base's labels about itself are not inherited.
func (f *frontEnd) finish(res *gateway.Result) error {
	f.baseConfig = res.Metadata[exptypes.ExporterImageBaseConfigKey]
	data, ok := res.Metadata[exptypes.ExporterImageConfigKey]
	if !ok {
		return nil
	}
	config, err := readObject(data)
	if err != nil {
		return err
	}
	if err := config.emptyLayers(f.layers); err != nil {
		return err
	}
	if len(f.baseConfig) > 0 {
		base, err := readObject(f.baseConfig)
		if err != nil {
			return err
		}
		if err := config.disinherit(base, f.request.Labels); err != nil {
			return err
		}
	}
	data, err = json.Marshal(config)
	res.Metadata[exptypes.ExporterImageConfigKey] = data
	return err
}

// emptyLayers marks the history of steps that make no layer. It is given for the
// layers of the history, from the last one on, whether they are there.
func (o object) emptyLayers(layers []bool) error {
	if !slices.Contains(layers, false) {
		return nil
	}
	var history []object
	if err := o.get("history", &history); err != nil {
		return err
	}
	for _, h := range slices.Backward(history) {
		if len(layers) == 0 {
			break
		}
		if string(h["empty_layer"]) == "true" {
			continue
		}
		if !layers[0] {
			h["empty_layer"] = json.RawMessage("true")
		}
		layers = layers[1:]
	}
	return o.set("history", history)
}

// disinherit removes the labels about the base itself that have the base's value
// and that neither the Dockerfile nor given sets.
func (o object) disinherit(base object, given map[string]string) error {
	config, labels, err := o.labels()
	if err != nil {
		return err
	}
	_, inherited, err := base.labels()
	if err != nil {
		return err
	}
	var history, old []struct {
		CreatedBy string `json:"created_by"`
	}
	if err := o.get("history", &history); err != nil {
		return err
	}
	if err := base.get("history", &old); err != nil {
		return err
	}
	// the front end adds an entry for each LABEL, those of ONBUILD and of the
	// stages in between too
	written := func(key string) bool {
		for _, h := range history[min(len(old), len(history)):] {
			if rest, ok := strings.CutPrefix(h.CreatedBy, "LABEL "); ok && strings.Contains(" "+rest, " "+key+"=") {
				return true
			}
		}
		return false
	}
	for key, was := range inherited {
		_, ours := given[key]
		if store.IsFactLabel(key) && !ours && labels[key] == was && !written(key) {
			delete(labels, key)
		}
	}
	if len(labels) > 0 {
		err = config.set("Labels", labels)
	} else {
		delete(config, "Labels")
	}
	if _, ok := o["config"]; !ok || err != nil {
		return err
	}
	return o.set("config", config)
}

// labels gives a config's part for the runtime, and its labels.
func (o object) labels() (config object, labels map[string]string, err error) {
	if err := o.get("config", &config); err != nil {
		return nil, nil, err
	}
	if config == nil {
		config = object{}
	}
	return config, labels, config.get("Labels", &labels)
}

// setCreated sets when the image was made.
func setCreated(config []byte, at time.Time) ([]byte, error) {
	o, err := readObject(config)
	if err != nil {
		return nil, err
	}
	if err := o.set("created", at.UTC().Format(time.RFC3339)); err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// rootFS gives the digests of a config's uncompressed layers.
func rootFS(config []byte) ([]digest.Digest, error) {
	o, err := readObject(config)
	if err != nil {
		return nil, err
	}
	var fs struct {
		DiffIDs []digest.Digest `json:"diff_ids"`
	}
	err = o.get("rootfs", &fs)
	return fs.DiffIDs, err
}
