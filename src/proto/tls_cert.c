/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <time.h>

#include "base/time.h"

static void put_name(const X509_NAME *name, struct ear_buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0,
			   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		ear_buf_add(out, text,
			(size_t)n < EAR_TLS_NAME_MAX ? (size_t)n
						     : EAR_TLS_NAME_MAX);
	BIO_free(bio);
}

static uint64_t time_of(const ASN1_TIME *at)
{
	struct tm tm;
	time_t t;

	if (!ASN1_TIME_to_tm(at, &tm))
		return 0;
	t = timegm(&tm);
	/* Years up to 9999 may be written; 64 bits of ns end in 2554. */
	if (t <= 0 || (uint64_t)t >= INT64_MAX / EAR_SECOND_NS)
		return t <= 0 ? 0 : INT64_MAX;
	return (uint64_t)t * EAR_SECOND_NS;
}

enum ear_err ear_tls_cert_read(struct ear_slice der, struct ear_tls_cert *cert)
{
	const uint8_t *p = (const uint8_t *)der.p;
	X509 *x;

	*cert = (struct ear_tls_cert){0};
	if (der.n > EAR_TLS_CERT_MAX)
		return EAR_LIMIT;
	x = d2i_X509(NULL, &p, (long)der.n);
	if (!x) {
		ERR_clear_error();
		return EAR_BAD;
	}
	put_name(X509_get_subject_name(x), &cert->subject);
	put_name(X509_get_issuer_name(x), &cert->issuer);
	cert->not_after_ns = time_of(X509_get0_notAfter(x));
	X509_free(x);
	ERR_clear_error();
	return EAR_OK;
}

void ear_tls_cert_fini(struct ear_tls_cert *cert)
{
	ear_buf_fini(&cert->subject);
	ear_buf_fini(&cert->issuer);
}
