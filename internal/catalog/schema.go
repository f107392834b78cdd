package catalog

import (
	"encoding/json"
	"fmt"

	"github.com/invopop/jsonschema"
)

const schemaVersion = "https://json-schema.org/draft/2020-12/schema"

// Schema is the JSON Schema (draft 2020-12) of both files: a document that
// accepts either, with the definitions "plinth.yaml" and "image.yaml" for
// editors that want one of them ($ref: "#/$defs/plinth.yaml"). It accepts the
// keys and types that Load accepts; what depends on several keys or on files,
// only Load checks.
func Schema() ([]byte, error) {
	config, image := object[wireConfig](), object[wireImage]()
	config.Title, image.Title = ConfigFile, ImageFile
	config.Description = "Settings of a plinth catalog."
	image.Description = "Facts about one image, beside its Dockerfile or in place of it."
	root := &jsonschema.Schema{
		Version:     schemaVersion,
		Title:       "plinth",
		Description: "Files of a plinth catalog.",
		AnyOf: []*jsonschema.Schema{
			{Ref: "#/$defs/" + ConfigFile},
			{Ref: "#/$defs/" + ImageFile},
		},
		Definitions: jsonschema.Definitions{ConfigFile: config, ImageFile: image},
	}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot write the schema: %w", err)
	}
	return append(data, '\n'), nil
}

// object reflects a wire struct.
func object[T any]() *jsonschema.Schema {
	r := jsonschema.Reflector{
		FieldNameTag:               "yaml",
		Anonymous:                  true,
		DoNotReference:             true,
		ExpandedStruct:             true,
		RequiredFromJSONSchemaTags: true,
	}
	s := r.Reflect(new(T))
	s.Version = ""
	return s
}

// schemaOf is the schema of a field's type: a leaf's own, or that of a struct.
func schemaOf[T any]() *jsonschema.Schema {
	var v T
	if own, ok := any(v).(interface{ JSONSchema() *jsonschema.Schema }); ok {
		return own.JSONSchema()
	}
	return object[T]()
}

func (text) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }

func (scalar) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}

func (flag) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "boolean"} }

func (refreshText) JSONSchema() *jsonschema.Schema { return enum(refreshNames()) }

func (modeText) JSONSchema() *jsonschema.Schema { return enum(modeNames()) }

func (profileText) JSONSchema() *jsonschema.Schema { return enum(profileNames()) }

func (severityText) JSONSchema() *jsonschema.Schema { return enum(severityNames()) }

func (onText) JSONSchema() *jsonschema.Schema { return enum(onNames()) }

func (labelText) JSONSchema() *jsonschema.Schema { return enum(labelKinds()) }

func (squashText) JSONSchema() *jsonschema.Schema { return enum(squashNames()) }

func enum(names []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, n := range names {
		s.Enum = append(s.Enum, n)
	}
	return s
}

func (list[T]) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: schemaOf[T]()}
}

func (dict[T]) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf[T]()}
}
