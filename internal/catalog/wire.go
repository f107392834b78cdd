package catalog

// The files as users write them. The tags are the keys and their descriptions in
// the JSON Schema; decodeYAML fills the structs and convert.go makes the model of them.

type wireConfig struct {
	Registry       text         `yaml:"registry" jsonschema:"required" jsonschema_description:"Where releases go, and the prefix under which our images are known: a registry with an optional path, such as registry.acme.example/base."`
	Aliases        list[text]   `yaml:"aliases" jsonschema_description:"More prefixes that mean images of this catalog, such as local-image/*."`
	Images         list[text]   `yaml:"images" jsonschema_description:"Globs of image folders, relative to plinth.yaml; ** stands for any number of folders. Default: every folder up to three levels deep that has a Dockerfile or an image.yaml, except hidden ones, flavours, tests and the state folder."`
	Args           dict[scalar] `yaml:"args" jsonschema_description:"Build arguments of every image. image.yaml and the matrix take precedence."`
	Labels         dict[scalar] `yaml:"labels" jsonschema_description:"Labels put on every image."`
	Platforms      list[text]   `yaml:"platforms" jsonschema_description:"Platforms to build for, as os/arch. Default: the platform of the machine that builds."`
	Refresh        refreshText  `yaml:"refresh" jsonschema_description:"How long a result is reused although nothing in the catalog changed. Default: weekly."`
	Debian         wireDebian   `yaml:"debian" jsonschema_description:"Where package images take their packages from."`
	Flavours       list[text]   `yaml:"flavours" jsonschema_description:"Flavours of every image: names of folders under flavours/, or several joined with + that are laid over each other in that order. image.yaml takes precedence."`
	FlavourName    text         `yaml:"flavour-name" jsonschema_description:"Name of a flavour's target, with {{.Name}} of the plain one and {{.Flavour}}. Default: {{.Name}}-{{.Flavour}}."`
	DefaultFlavour text         `yaml:"default-flavour" jsonschema_description:"Flavour that gets the plain name. The plain image is then called NAME-plain, is not published, and is still what FROM NAME means in this catalog."`
	Squash         squashText   `yaml:"squash" jsonschema_description:"own: what a Dockerfile adds to its base becomes one layer. all: the whole image becomes one layer. none: a layer an instruction. Default: own."`
	Temp           list[text]   `yaml:"temp" jsonschema_description:"Absolute paths that RUN steps share within one build and that never reach a layer, such as /tmp and /var/cache/apt."`
	Tags           list[text]   `yaml:"tags" jsonschema_description:"Tags of every image, with {{.Version}}, {{.Date}}, {{.Commit}}, {{.BuildNumber}}, {{.Flavour}}, {{.Name}} and {{.axis}} of the matrix. Default: latest."`
	Secrets        dict[text]   `yaml:"secrets" jsonschema_description:"Secrets for RUN --mount=type=secret by id: env=NAME, or src=FILE relative to plinth.yaml. The command line takes precedence."`
	Lint           wireLint     `yaml:"lint" jsonschema_description:"What plinth lint reports."`
	State          text         `yaml:"state" jsonschema_description:"Folder for everything that plinth stores, relative to plinth.yaml. Default: .plinth."`
}

type wireLint struct {
	located
	Profile           profileText        `yaml:"profile" jsonschema_description:"Set of rules: recommended, strict, base-image, hadolint or buildkit. Default: recommended."`
	Rules             dict[severityText] `yaml:"rules" jsonschema_description:"Severity of rules by code: error, warning, info, style, or off."`
	Paths             list[wireLintPath] `yaml:"paths" jsonschema_description:"Other severities for some files; later entries take precedence."`
	FailOn            severityText       `yaml:"fail-on" jsonschema_description:"Findings of this severity and worse make plinth lint end with exit code 2; off: none do. Default: warning."`
	TrustedRegistries list[text]         `yaml:"trusted-registries" jsonschema_description:"Registries that Dockerfiles may name besides the catalog's own; * stands for anything."`
	LabelSchema       dict[labelText]    `yaml:"label-schema" jsonschema_description:"Labels that every image must have, and what they hold: text, url, rfc3339, spdx, hash, semver or email."`
	StrictLabels      flag               `yaml:"strict-labels" jsonschema_description:"No labels but those of label-schema may be there."`
	RequireDigest     flag               `yaml:"require-digest" jsonschema_description:"FROM must name a digest, with a lock too."`
	BaseArg           text               `yaml:"base-arg" jsonschema_description:"ARG through which every FROM names the registry of its image, such as REGISTRY."`
	Waivers           list[wireWaiver]   `yaml:"waivers" jsonschema_description:"Findings that are accepted for a time."`
	Custom            list[wireCustom]   `yaml:"custom" jsonschema_description:"Rules of the catalog's own."`
}

type wireCustom struct {
	located
	Code     text         `yaml:"code" jsonschema:"required" jsonschema_description:"Code of the rule: capital letters and digits behind them, such as ACME001."`
	Title    text         `yaml:"title" jsonschema_description:"What the rule is about. Default: the message."`
	Severity severityText `yaml:"severity" jsonschema_description:"error, warning, info or style. Default: warning."`
	On       onText       `yaml:"on" jsonschema:"required" jsonschema_description:"What the condition looks at: instruction, command, stage or image."`
	When     text         `yaml:"when" jsonschema:"required" jsonschema_description:"Condition in the Common Expression Language that is true where something is wrong."`
	Message  text         `yaml:"message" jsonschema:"required" jsonschema_description:"What is said then."`
}

type wireLintPath struct {
	located
	Files list[text]         `yaml:"files" jsonschema:"required" jsonschema_description:"Globs of Dockerfiles relative to plinth.yaml; ** stands for any number of folders."`
	Rules dict[severityText] `yaml:"rules" jsonschema:"required" jsonschema_description:"Severity of rules by code in these files: error, warning, info, style, or off."`
}

type wireWaiver struct {
	located
	Rule    text       `yaml:"rule" jsonschema:"required" jsonschema_description:"Code of the rule."`
	Files   list[text] `yaml:"files" jsonschema_description:"Globs of Dockerfiles relative to plinth.yaml; ** stands for any number of folders. Default: all."`
	Targets list[text] `yaml:"targets" jsonschema_description:"Globs of targets. Default: all."`
	Reason  text       `yaml:"reason" jsonschema:"required" jsonschema_description:"Why it is accepted."`
	Owner   text       `yaml:"owner" jsonschema:"required" jsonschema_description:"Who answers for it."`
	Expires text       `yaml:"expires" jsonschema:"required" jsonschema_description:"Last day on which it is accepted, as 2026-12-31."`
}

type wireDebian struct {
	located
	Keyring  text              `yaml:"keyring" jsonschema_description:"File with the OpenPGP keys that may sign the package indexes, relative to plinth.yaml. Default: the keys of the Debian archive."`
	Releases dict[wireRelease] `yaml:"releases" jsonschema_description:"Package sources by Debian release, in place of deb.debian.org and its security archive."`
	Signers  list[scalar]      `yaml:"signers" jsonschema_description:"Fingerprints of the keys that must have signed an index. Default: any key of the keyring."`
}

type wireRelease struct {
	located
	Sources list[wireSource] `yaml:"sources" jsonschema:"required" jsonschema_description:"Package sources of this release; all of them are used."`
}

type wireSource struct {
	located
	URI        text       `yaml:"uri" jsonschema:"required" jsonschema_description:"Address of the archive, such as http://deb.debian.org/debian."`
	Suite      text       `yaml:"suite" jsonschema:"required" jsonschema_description:"Suite of the archive, such as bookworm-security."`
	Components list[text] `yaml:"components" jsonschema_description:"Components of the suite. Default: main."`
}

type wireImage struct {
	Title          text               `yaml:"title" jsonschema_description:"Name of the image for people; becomes the label org.opencontainers.image.title."`
	Description    text               `yaml:"description" jsonschema_description:"What the image is for; becomes the label org.opencontainers.image.description."`
	Owners         list[text]         `yaml:"owners" jsonschema_description:"Who answers for the image; becomes the label org.opencontainers.image.authors."`
	Args           dict[scalar]       `yaml:"args" jsonschema_description:"Build arguments, in addition to those of plinth.yaml. May hold {{.axis}} of the matrix."`
	Labels         dict[scalar]       `yaml:"labels" jsonschema_description:"Labels of the image, in addition to those of plinth.yaml. May hold {{.axis}} of the matrix."`
	Matrix         dict[list[scalar]] `yaml:"matrix" jsonschema_description:"Axes with their values: one target is built for each combination, with the values as build arguments."`
	Name           text               `yaml:"name" jsonschema_description:"Name of the targets, with {{.Image}} and {{.axis}} of the matrix. Default: the folder's name without its tier, followed by the values of the matrix."`
	Refresh        refreshText        `yaml:"refresh" jsonschema_description:"How long a result is reused although nothing in the catalog changed. Default: that of plinth.yaml."`
	Target         text               `yaml:"target" jsonschema_description:"Stage of the Dockerfile to build. Default: the last one."`
	Platforms      list[text]         `yaml:"platforms" jsonschema_description:"Platforms to build for, as os/arch. Default: those of plinth.yaml."`
	Flavours       list[text]         `yaml:"flavours" jsonschema_description:"Flavours of the image, in place of those of plinth.yaml; an empty list means none."`
	DefaultFlavour text               `yaml:"default-flavour" jsonschema_description:"Flavour that gets the plain name, in place of that of plinth.yaml."`
	Squash         squashText         `yaml:"squash" jsonschema_description:"own, all or none. Default: that of plinth.yaml."`
	Temp           list[text]         `yaml:"temp" jsonschema_description:"More paths that never reach a layer, for this image and all that stand on it. An empty list means none for this image."`
	Tags           list[text]         `yaml:"tags" jsonschema_description:"Tags of the image, in place of those of plinth.yaml."`
	Version        scalar             `yaml:"version" jsonschema_description:"Version of the image for {{.Version}} in tags; becomes the label org.opencontainers.image.version. May hold {{.axis}} of the matrix."`
	Contexts       dict[text]         `yaml:"contexts" jsonschema_description:"More folders to copy from with COPY --from=NAME, by name, relative to plinth.yaml."`

	wirePackages
}

// wirePackages are the keys of images that are made of packages, with no Dockerfile.
type wirePackages struct {
	Packages   list[text]      `yaml:"packages" jsonschema_description:"Debian packages to make the image of, in place of a Dockerfile."`
	Mode       modeText        `yaml:"mode" jsonschema_description:"distroless: no shell, and no maintainer script is run. full: an ordinary Debian. Default: distroless."`
	Debian     scalar          `yaml:"debian" jsonschema_description:"Debian release to take the packages from: 12 or 13. May hold {{.axis}} of the matrix. Default: that of the parent, otherwise 12."`
	From       text            `yaml:"from" jsonschema_description:"Image of this catalog to add the packages to. May hold {{.axis}} of the matrix."`
	Exclude    list[text]      `yaml:"exclude" jsonschema_description:"Packages to leave out although another one depends on them."`
	Docs       flag            `yaml:"docs" jsonschema_description:"Keep documentation and translations. Default: false."`
	Files      list[wireFile]  `yaml:"files" jsonschema_description:"Files to add to the image."`
	Users      list[wireUser]  `yaml:"users" jsonschema_description:"Users to add to the image."`
	Groups     list[wireGroup] `yaml:"groups" jsonschema_description:"Groups to add to the image."`
	Env        dict[scalar]    `yaml:"env" jsonschema_description:"Environment variables. May hold {{.axis}} of the matrix."`
	Entrypoint list[scalar]    `yaml:"entrypoint" jsonschema_description:"Command that always runs, as a list of words."`
	Cmd        list[scalar]    `yaml:"cmd" jsonschema_description:"Default arguments, or the command when there is no entrypoint, as a list of words."`
	User       scalar          `yaml:"user" jsonschema_description:"User that the image runs as: a name or a number, with an optional :group."`
	Workdir    text            `yaml:"workdir" jsonschema_description:"Folder in which the command starts."`
	Ports      list[scalar]    `yaml:"ports" jsonschema_description:"Ports that the image listens on: a number with an optional /tcp, /udp or /sctp."`
	StopSignal scalar          `yaml:"stop-signal" jsonschema_description:"Signal that ends the command, such as SIGTERM."`
}

type wireFile struct {
	located
	Path    text   `yaml:"path" jsonschema:"required" jsonschema_description:"Absolute path in the image."`
	Source  text   `yaml:"source" jsonschema_description:"File in the image's folder."`
	Content text   `yaml:"content" jsonschema_description:"Content of the file, in place of source. May hold {{.axis}} of the matrix."`
	Mode    scalar `yaml:"mode" jsonschema_description:"Permissions in octal. Default: 0644."`
	Owner   scalar `yaml:"owner" jsonschema_description:"Owner as uid:gid in numbers. Default: 0:0."`
}

type wireUser struct {
	located
	Name  text   `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the user."`
	UID   scalar `yaml:"uid" jsonschema:"required" jsonschema_description:"Number of the user."`
	GID   scalar `yaml:"gid" jsonschema_description:"Number of the user's group. Default: the uid."`
	Home  text   `yaml:"home" jsonschema_description:"Home folder. Default: /home/NAME."`
	Shell text   `yaml:"shell" jsonschema_description:"Login shell. Default: /usr/sbin/nologin."`
}

type wireGroup struct {
	located
	Name text   `yaml:"name" jsonschema:"required" jsonschema_description:"Name of the group."`
	GID  scalar `yaml:"gid" jsonschema:"required" jsonschema_description:"Number of the group."`
}
