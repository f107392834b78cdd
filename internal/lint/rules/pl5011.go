package rules

import (
	"strings"

	"github.com/plinth-build/plinth/internal/lint"
	"github.com/plinth-build/plinth/internal/shellscript"
)

var pl5011 = &lint.Rule{
	Code: "PL5011", Title: "Servers installed side by side", Severity: lint.Info, Family: lint.Practice,
	Profiles: lint.Strict | lint.BaseImage, Since: "0.1.0",
	Source: "https://docs.docker.com/build/building/best-practices/#decouple-applications",
	Why: "A web server, a database and a mail server in one image are updated, restarted and scaled together, and one of them decides whether the container " +
		"lives. One image for each, joined by the network. A web server and php-fpm, which answers to nothing else, are one service.",
	Bad:  "FROM debian:12\nRUN apt-get update && apt-get install -y nginx mariadb-server",
	Good: "FROM debian:12\nRUN apt-get update && apt-get install -y nginx",
	Stage: func(p *lint.Pass, s *lint.Stage) {
		if !s.Final {
			return
		}
		kinds := map[string]string{} // what it is, and the package
		first := ""
		var chain []*lint.Stage
		for f := s; f != nil; f = f.Parent {
			chain = append([]*lint.Stage{f}, chain...)
		}
		for _, f := range chain {
			f.Commands(func(_ *lint.Run, c *shellscript.Command) {
				tool, packages, _ := systemInstall(unwrap(c))
				for _, w := range packages {
					kind := serverKind(packageName(w.S))
					if kind == "" || !w.Literal || kinds[kind] != "" || isClient(tool, packageName(w.S)) {
						continue
					}
					kinds[kind] = w.S
					if first == "" {
						first = packageName(w.S)
						continue
					}
					p.Report(lint.At(w.Text), "%s is installed beside %s: one image for each server", packageName(w.S), first)
				}
			})
		}
	},
}

// serverKind is what a package is a server for, "" for other packages.
func serverKind(name string) string {
	switch name {
	case "nginx", "nginx-full", "nginx-extras", "nginx-light", "apache2", "httpd", "caddy", "lighttpd", "haproxy", "varnish":
		return "web"
	case "mysql-server", "default-mysql-server", "mariadb-server", "postgresql", "postgresql-server", "mongodb", "mongodb-org", "mongodb-server", "mongodb-org-server", "mariadb", "mysql":
		return "database"
	case "redis-server", "redis", "memcached", "rabbitmq-server":
		return "store"
	case "openssh-server":
		return "ssh"
	case "postfix", "exim4", "dovecot-imapd", "sendmail":
		return "mail"
	case "tomcat", "tomcat9", "tomcat10", "tomcat11":
		return "application"
	}
	switch {
	case strings.HasPrefix(name, "mysql-server-"), strings.HasPrefix(name, "mariadb-server-"), strings.HasPrefix(name, "postgresql-") && strings.Trim(name[11:], "0123456789.") == "":
		return "database"
	}
	return ""
}

// isClient says whether a package that has a server's name in other distributions is a client for a tool: Red Hat and SUSE
// have the servers in packages of their own.
func isClient(tool, name string) bool {
	switch tool {
	case "yum", "dnf", "microdnf", "tdnf", "zypper":
		return name == "mysql" || name == "postgresql" || name == "mongodb" || name == "mariadb" && tool != "zypper"
	}
	return false
}
