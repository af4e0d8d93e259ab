/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where a database is: a URL as siptrace's db_url, or an ODBC connection
 * string.
 *
 *     postgres://USER:PASSWORD@HOST:PORT/DATABASE?KEYWORD=VALUE&…
 *     mysql://…
 *     unixodbc://USER:PASSWORD@HOST/DSN
 *     DSN=traces;UID=user;PWD=secret
 *
 * Parts of a URL may be written with %XX; what follows '?' goes to the driver
 * as keywords of its own. Passwords are in no text that people see.
 */
#ifndef EAR_SINK_SQL_URL_H
#define EAR_SINK_SQL_URL_H

#include "base/buf.h"

/** A scheme of URLs and the driver that it needs. */
struct ear_sql_scheme {
	const char *name[2];   /**< "postgres", "postgresql" */
	const char *driver[3]; /**< beginnings of drivers' names, best first */
	const char *package;   /**< that holds one, on Debian */
	const char *words;     /**< "PostgreSQL" */
	const char *keys[5];   /**< host, port, database, user, password */
	const char *port;
	const char *options; /**< always given */
};

struct ear_sql_url {
	const struct ear_sql_scheme *scheme; /**< NULL: odbc holds */
	char *odbc;                          /**< connection string */
	char *host, *port, *database, *user, *password; /**< "" not given */
	char *more;   /**< further keywords, as "A=b;" */
	char *shown;  /**< for people */
	char *secret; /**< never shown; "" none */
};

/** @return EAR_OK; EAR_USAGE; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_sql_url_parse(
	const char *text, struct ear_sql_url *url, struct ear_fault *fault);
void ear_sql_url_fini(struct ear_sql_url *url);

/**
 * Append the connection string for SQLDriverConnect(), NUL included.
 *
 * @param driver as the scheme asks for; not read without a scheme
 */
void ear_sql_url_connect(
	const struct ear_sql_url *url, const char *driver, struct ear_buf *out);

/** Whether a driver of this name serves; lower is better. @return -1 no */
int ear_sql_scheme_serves(
	const struct ear_sql_scheme *scheme, const char *driver);

/** Write stars over the password where it stands in a driver's words. */
void ear_sql_url_hide(const struct ear_sql_url *url, char *text);

#endif
