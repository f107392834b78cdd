package layer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/plinth-build/plinth/internal/diag"
)

// EditConfig makes an image config say that its layers from the index from on
// (0 is the lowest) were folded into one, or into none. diffIDs are those of all
// layers that the image has now: the first from ones as they are in the config,
// then that of the folded layer, if there is one.
//
// The history keeps all its entries. Of those whose layers were folded the last
// one stands for the folded layer, and the others get "empty_layer": true. A
// history that has fewer entries with a layer than there are layers gets entries
// that say so; one that has more is taken as if the surplus were folded too. A
// config without a history is left without. Everything else stays as it is, byte
// by byte.
func EditConfig(config []byte, from int, diffIDs []digest.Digest) ([]byte, error) {
	out, err := editConfig(config, from, diffIDs)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot edit the image config: %w", err)
	}
	return out, nil
}

// ReplaceDiffIDs makes an image config describe layers that are written anew one
// by one: diffIDs are those of all layers, as many as the config has. A config
// that has none, be it null, gets an empty list. Everything else stays as it is.
func ReplaceDiffIDs(config []byte, diffIDs []digest.Digest) ([]byte, error) {
	out, err := replaceDiffIDs(config, diffIDs)
	if err != nil {
		return nil, diag.Errorf(diag.Position{}, "cannot edit the image config: %w", err)
	}
	return out, nil
}

// layerList is where a config says which layers it has.
type layerList struct {
	top   object // the whole config
	ids   span   // the value of rootfs.diff_ids, if it is there
	found bool
	old   []digest.Digest
}

// parseLayers reads rootfs.diff_ids. What comes later reads JSON that is known to be sound.
func parseLayers(config []byte) (l layerList, err error) {
	if err := json.Unmarshal(config, new(json.RawMessage)); err != nil {
		return l, err
	}
	if l.top, err = parseObject(config, 0); err != nil {
		return l, err
	}
	rootfs, ok := l.top.members["rootfs"]
	if !ok {
		return l, errors.New("it has no rootfs")
	}
	layers, err := parseObject(rootfs.of(config), rootfs.from)
	if err != nil {
		return l, fmt.Errorf("rootfs: %w", err)
	}
	if l.ids, l.found = layers.members["diff_ids"]; l.found {
		if err := json.Unmarshal(l.ids.of(config), &l.old); err != nil {
			return l, fmt.Errorf("rootfs.diff_ids: %w", err)
		}
	}
	return l, nil
}

func replaceDiffIDs(config []byte, diffIDs []digest.Digest) ([]byte, error) {
	l, err := parseLayers(config)
	if err != nil {
		return nil, err
	}
	if !l.found {
		return nil, errors.New("rootfs has no diff_ids")
	}
	if len(l.old) != len(diffIDs) {
		return nil, fmt.Errorf("it has %d layers and not %d", len(l.old), len(diffIDs))
	}
	data, err := json.Marshal(append([]digest.Digest{}, diffIDs...))
	if err != nil {
		return nil, err
	}
	return splice(config, []edit{{l.ids, data}}), nil
}

func editConfig(config []byte, from int, diffIDs []digest.Digest) ([]byte, error) {
	l, err := parseLayers(config)
	if err != nil {
		return nil, err
	}
	old := l.old
	switch {
	case from < 0 || from > len(old):
		return nil, fmt.Errorf("it has %d layers and not %d", len(old), from)
	case len(diffIDs) < from || !slices.Equal(old[:from], diffIDs[:from]):
		return nil, fmt.Errorf("its first %d layers are others", from)
	case len(diffIDs) > from+1:
		return nil, fmt.Errorf("%d layers are not folded into %d", len(old)-from, len(diffIDs)-from)
	case from == len(old) && len(diffIDs) > from:
		return nil, errors.New("it has no layer that could have been folded")
	}
	var edits []edit
	if !slices.Equal(old, diffIDs) {
		data, err := json.Marshal(append([]digest.Digest{}, diffIDs...))
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{l.ids, data})
	}
	if history, ok := l.top.members["history"]; ok {
		more, err := editHistory(config, history, from, len(diffIDs))
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		edits = append(edits, more...)
	}
	return splice(config, edits), nil
}

// unknown is the history entry of a layer that the history does not know.
const unknown = `{"comment":"not in the history of the image"}`

// editHistory gives the edits that leave exactly count entries with a layer.
func editHistory(config []byte, history span, from, count int) ([]edit, error) {
	entries, err := parseArray(history.of(config), history.from)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	type made struct {
		span span
		object
	}
	var folded []made
	layers := 0
	for _, at := range entries {
		o, err := parseObject(at.of(config), at.from)
		if err != nil {
			return nil, err
		}
		empty := false
		if v, ok := o.members["empty_layer"]; ok {
			if err := json.Unmarshal(v.of(config), &empty); err != nil {
				return nil, fmt.Errorf("empty_layer: %w", err)
			}
		}
		if empty {
			continue
		}
		if layers++; layers > from {
			folded = append(folded, made{at, o})
		}
	}
	kept := min(len(folded), count-from)
	var edits []edit
	for _, m := range folded[:len(folded)-kept] {
		if v, ok := m.members["empty_layer"]; ok {
			edits = append(edits, edit{v, []byte("true")})
			continue
		}
		text := `,"empty_layer":true`
		if len(m.members) == 0 {
			text = text[1:]
		}
		end := m.span.to - 1 // before the brace
		edits = append(edits, edit{span{end, end}, []byte(text)})
	}
	missing := count - min(layers, from) - kept
	end := history.to - 1
	edits = append(edits, edit{span{end, end}, bytes.Repeat([]byte(","+unknown), missing)})
	return edits, nil
}

// span is a part of a text.
type span struct{ from, to int }

func (s span) of(text []byte) []byte { return text[s.from:s.to] }

// edit replaces a part of a text.
type edit struct {
	span
	text []byte
}

// splice carries out edits that don't overlap.
func splice(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, text[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, text[at:]...)
}

// object is a JSON object as the places of its values.
type object struct{ members map[string]span }

// parseObject finds the values of the object that text is; offset is where text is
// in the whole. A key that is there twice is an error, and so is one that is spelt as
// some readers take it and others don't: who reads which one is not known.
func parseObject(text []byte, offset int) (object, error) {
	o := object{members: map[string]span{}}
	err := parseValues(text, '{', offset, func(key string, at span) error {
		if _, twice := o.members[key]; twice {
			return fmt.Errorf("%q is there twice", key)
		}
		for _, known := range []string{"rootfs", "diff_ids", "history", "empty_layer"} {
			if key != known && strings.EqualFold(key, known) {
				return fmt.Errorf("%q is to be %q", key, known)
			}
		}
		o.members[key] = at
		return nil
	})
	return o, err
}

// parseArray finds the values of the array that text is, none in a null.
func parseArray(text []byte, offset int) (out []span, err error) {
	if string(text) == "null" {
		return nil, nil
	}
	err = parseValues(text, '[', offset, func(_ string, at span) error {
		out = append(out, at)
		return nil
	})
	return out, err
}

// parseValues calls fn for each value of the object or array that text is.
func parseValues(text []byte, opening json.Delim, offset int, fn func(key string, at span) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil {
		return err
	} else if t != opening {
		return fmt.Errorf("it does not begin with %v", opening)
	}
	for dec.More() {
		key := ""
		if opening == '{' {
			t, err := dec.Token()
			if err != nil {
				return err
			}
			key, _ = t.(string) // the decoder takes nothing else for a key
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		to := offset + int(dec.InputOffset())
		if err := fn(key, span{to - len(value), to}); err != nil {
			return err
		}
	}
	return nil
}
