#include "fake/client.h"

#include "base/buf.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"

static void set_credentials(struct fake_client *f, const char *token)
{
    struct buf text = BUF_INIT(64 * 1024);
    struct error err;

    (void)buf_puts(&text, "[default]\naws_access_key_id = " FAKE_CLIENT_ACCESS_KEY_ID
                          "\naws_secret_access_key = " FAKE_CLIENT_SECRET "\n");
    if (token[0] != '\0')
        (void)buf_printf(&text, "aws_session_token = %s\n", token);
    f->profiles = PROFILES_INIT;
    ck_succeeds(profiles_parse(&f->profiles, PROFILE_CREDENTIALS, "credentials", buf_text(&text),
                               text.len, &err),
                err);
    buf_release(&text);
}

void fake_client_start(struct fake_client *f, const struct service *service, const char *url,
                       const char *token)
{
    static const uint64_t zero;
    const struct credentials_options options = {.profiles = &f->profiles, .profile = "default"};
    struct error err;

    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1); /* no test leaves the machine */
    set_credentials(f, token);
    f->credentials = credentials_provider_new(&options);
    ck_succeeds(client_init(&f->client, service,
                            &(struct client_options){.region = "eu-west-1",
                                                     .endpoint_override = url,
                                                     .ca_file = "",
                                                     .user_agent = "orderd/test",
                                                     .credentials = f->credentials},
                            &err),
                err);
    ck_succeeds(http_global_init(&err), err);
    f->group = http_group_new();
    fake_clock_start(FAKE_CLIENT_WALL_MS);
    fake_random_start(&zero, 1);
}

void fake_client_end(struct fake_client *f)
{
    http_group_free(f->group);
    http_global_release();
    credentials_provider_free(f->credentials);
    profiles_release(&f->profiles);
    fake_clock_end();
    fake_random_end();
}
