package cli

import (
	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/catalog"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of plinth.yaml and image.yaml",
		Long: `Print the JSON Schema of plinth.yaml and image.yaml, for editors that complete
and check YAML with it. Save it in the catalog and name it in the first line:

  # yaml-language-server: $schema=plinth.schema.json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			schema, err := catalog.Schema()
			if err != nil {
				return err
			}
			_, err = a.out.Write(schema)
			return err
		},
	}
}
