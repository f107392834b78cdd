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
	Why: "A web server, a database and an interpreter's server in one image are updated, restarted and scaled together, and one of them decides whether the container " +
		"lives. One image for each, joined by the network.",
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
				_, packages, _ := systemInstall(unwrap(c))
				for _, w := range packages {
					kind := serverKind(packageName(w.S))
					if kind == "" || !w.Literal || kinds[kind] != "" {
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
	case "php-fpm", "tomcat9", "tomcat10", "uwsgi":
		return "interpreter"
	}
	switch {
	case strings.HasPrefix(name, "php") && strings.HasSuffix(name, "-fpm"):
		return "interpreter"
	case strings.HasPrefix(name, "mysql-server-"), strings.HasPrefix(name, "mariadb-server-"), strings.HasPrefix(name, "postgresql-") && strings.Trim(name[11:], "0123456789.") == "":
		return "database"
	}
	return ""
}
