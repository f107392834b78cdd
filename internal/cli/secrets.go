package cli

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plinth-build/plinth/internal/catalog"
	"github.com/plinth-build/plinth/internal/graph"
	"github.com/plinth-build/plinth/internal/secret"
)

// secretFlags are --secret and --ssh.
type secretFlags struct{ secrets, agents []string }

func addSecretFlags(cmd *cobra.Command) *secretFlags {
	f := &secretFlags{}
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "secret for RUN --mount=type=secret: id=NAME,src=FILE or id=NAME,env=VARIABLE; goes before secrets in plinth.yaml")
	cmd.Flags().StringArrayVar(&f.agents, "ssh", nil, "SSH agent or keys for RUN --mount=type=ssh: default, ID=SOCKET or ID=KEY,KEY")
	return f
}

// given is what a run gives to RUN steps.
type given struct {
	secrets *secret.Set
	agents  []secret.Agent
}

// load reads the secrets of the command line, and of those of plinth.yaml the
// ones that a target asks for and that are there: that a machine lacks one is
// for the RUN to say that requires it.
func (f *secretFlags) load(config []catalog.SecretSource, targets []*graph.Target) (given, error) {
	var sources []secret.Source
	asked := asked(targets)
	for _, c := range config {
		if slices.Contains(asked, c.ID) && isThere(c) {
			sources = append(sources, secret.Source{Pos: c.Pos, ID: c.ID, Env: c.Env, File: c.File})
		}
	}
	for _, spec := range f.secrets {
		s, err := secret.ParseSource(spec)
		if err != nil {
			return given{}, err
		}
		sources = append(sources, s) // the later one counts
	}
	var agents []secret.Agent
	for _, spec := range f.agents {
		a, err := secret.ParseAgent(spec)
		if err != nil {
			return given{}, err
		}
		agents = append(agents, a)
	}
	var g given
	var err error
	if g.secrets, err = secret.Load(sources, os.LookupEnv); err != nil {
		return given{}, err
	}
	g.agents, err = secret.LoadAgents(agents, os.LookupEnv)
	return g, err
}

// asked are the names of the secrets that the Dockerfiles of the targets mount.
func asked(targets []*graph.Target) []string {
	var out []string
	for _, t := range targets {
		if t.Dockerfile != nil {
			secrets, _ := t.Dockerfile.Asked()
			out = append(out, secrets...)
		}
	}
	return out
}

func isThere(s catalog.SecretSource) bool {
	if s.Env != "" {
		return os.Getenv(s.Env) != ""
	}
	_, err := os.Stat(s.File)
	return err == nil
}

// agentIDs are the names of the agents.
func (g given) agentIDs() []string {
	var out []string
	for _, a := range g.agents {
		out = append(out, a.ID)
	}
	return out
}
