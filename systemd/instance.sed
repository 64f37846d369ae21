# Makes orderd@.service of orderd.service: an instance is an environment, by its suffix, with a
# settings file, variables, a log directory and a status file of its own.
1s|.*|# orderd for the environment %i, with the settings of /etc/orderd/%i.conf (as orderd.service).|
s|^Description=.*|& (%i)|
s|^ExecStart=.*|& --config /etc/orderd/%i.conf|
s|^EnvironmentFile=.*|EnvironmentFile=-/etc/orderd/%i.environment\
# Wins over the file, so that no two instances share a queue or a status by mistake.\
Environment=ORDERD_ENVIRONMENT_SUFFIX=%i ORDERD_STATUS_FILE=/run/orderd-%i/status.json|
# Not below /run/orderd, which goes when orderd.service stops.
s|^RuntimeDirectory=orderd$|&-%i|
s|^LogsDirectory=orderd$|&/%i|
