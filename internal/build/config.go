package build

import (
	"encoding/json"
	"fmt"
)

// Configs are edited as raw JSON: a Go struct would drop the fields it doesn't
// know, such as a health check's StartInterval.

// editHistory lets f change the entries of a config's history.
func editHistory(config []byte, f func([]map[string]json.RawMessage)) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, fmt.Errorf("cannot read the image config: %w", err)
	}
	var history []map[string]json.RawMessage
	if raw, ok := fields["history"]; ok {
		if err := json.Unmarshal(raw, &history); err != nil {
			return nil, fmt.Errorf("cannot read the image's history: %w", err)
		}
	}
	f(history)
	raw, err := json.Marshal(history)
	if err != nil {
		return nil, err
	}
	fields["history"] = raw
	return json.Marshal(fields)
}
