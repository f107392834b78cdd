# Settings of every service on this image; an application may bring its own.
bind = "0.0.0.0:8000"
wsgi_app = "app:application"
workers = 2
accesslog = "-"
worker_tmp_dir = "/dev/shm"
