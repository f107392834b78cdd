# Settings of every service on this image; an application may bring its own.
bind = "0.0.0.0:8000"
wsgi_app = "app:application"
workers = 2
accesslog = "-"
worker_tmp_dir = "/dev/shm"
# A worker that is told to stop while it is still starting does not hear it, and is
# killed after this many seconds; docker stop gives ten to all of them.
graceful_timeout = 3
