/* log_credentials: what the log says about the credentials. Any thread. */
#ifndef ORDERD_LOG_CREDENTIALS_H
#define ORDERD_LOG_CREDENTIALS_H

#include "aws/credentials.h"

/* Logs every change that a provider notices; never a key. */
extern const struct credentials_observer log_credentials;

#endif
