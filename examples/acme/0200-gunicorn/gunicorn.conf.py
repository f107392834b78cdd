# Settings of every service on this image; an application may bring its own.
bind = "0.0.0.0:8000"
wsgi_app = "app:application"
workers = 2
accesslog = "-"
worker_tmp_dir = "/dev/shm"
# A worker that is told to stop before it listens to signals goes on; docker
# stop gives all of them ten seconds.
graceful_timeout = 4
