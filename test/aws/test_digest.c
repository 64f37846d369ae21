#include "aws/digest.h"

#include "check_main.h"

#include <string.h>

static struct digest *d;

static void setup(void)
{
    d = digest_new();
}

static void teardown(void)
{
    digest_free(d);
    digest_free(NULL);
}

/* FIPS 180-4 and RFC 1321 examples, and an empty text. */
static const struct {
    const char *text, *sha256, *md5;
} hashes[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "d41d8cd98f00b204e9800998ecf8427e"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "900150983cd24fb0d6963f7d28e17f72"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
     "8215ef0796a20bcaaae116d3876c664a"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "f371bc4a311f2b009eef952dd83ca80e2b60026c8e935592d0f9c308453c813e",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

START_TEST(hashes_text)
{
    const char *text = hashes[_i].text;
    char hex[DIGEST_SHA256_HEX_SIZE];
    char md5[DIGEST_MD5_HEX_SIZE];

    digest_sha256_hex(d, text, strlen(text), hex);
    ck_assert_str_eq(hex, hashes[_i].sha256);
    ck_assert(digest_md5_hex(d, text, strlen(text), md5));
    ck_assert_str_eq(md5, hashes[_i].md5);
}
END_TEST

START_TEST(hashes_in_pieces_of_any_size)
{
    const char *text = hashes[3].text;
    size_t len = strlen(text);

    for (size_t piece = 1; piece <= len; piece++) {
        uint8_t hash[DIGEST_SHA256_SIZE];
        char hex[DIGEST_SHA256_HEX_SIZE];

        digest_begin(d);
        for (size_t at = 0; at < len; at += piece)
            digest_add(d, text + at, len - at < piece ? len - at : piece);
        digest_add(d, "", 0);
        digest_end(d, hash);
        digest_hex(hash, sizeof(hash), hex);
        ck_assert_str_eq(hex, hashes[3].sha256);
    }
}
END_TEST

START_TEST(hashes_a_million_letters)
{
    static char letters[1000000];
    char hex[DIGEST_SHA256_HEX_SIZE];

    memset(letters, 'a', sizeof(letters));
    digest_sha256_hex(d, letters, sizeof(letters), hex);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* RFC 4231, test cases 1 to 4, 6 and 7; FILL repeats one byte where a text would be long. */
static const struct {
    const char *key;
    char key_fill;
    size_t key_len;
    const char *data;
    char data_fill;
    size_t data_len;
    const char *mac;
} macs[] = {
    {NULL, '\x0b', 20, "Hi There", 0, 8,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"Jefe", 0, 4, "what do ya want for nothing?", 0, 28,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {NULL, '\xaa', 20, NULL, '\xdd', 50,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"
     "\x18\x19",
     0, 25, NULL, '\xcd', 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {NULL, '\xaa', 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 54,
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {NULL, '\xaa', 131,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     0, 152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static const char *filled(const char *text, char fill, size_t len, char room[160])
{
    if (text != NULL)
        return text;
    memset(room, fill, len);
    return room;
}

START_TEST(authenticates)
{
    char key_room[160];
    char data_room[160];
    const char *key = filled(macs[_i].key, macs[_i].key_fill, macs[_i].key_len, key_room);
    const char *data = filled(macs[_i].data, macs[_i].data_fill, macs[_i].data_len, data_room);
    uint8_t mac[DIGEST_SHA256_SIZE];
    char hex[DIGEST_SHA256_HEX_SIZE];

    digest_hmac(d, key, macs[_i].key_len, data, macs[_i].data_len, mac);
    digest_hex(mac, sizeof(mac), hex);
    ck_assert_str_eq(hex, macs[_i].mac);
}
END_TEST

START_TEST(authenticates_into_its_own_key)
{
    uint8_t in_place[DIGEST_SHA256_SIZE];
    uint8_t apart[DIGEST_SHA256_SIZE];

    memset(in_place, 7, sizeof(in_place));
    digest_hmac(d, in_place, sizeof(in_place), "data", 4, apart);
    digest_hmac(d, in_place, sizeof(in_place), "data", 4, in_place);
    ck_assert_mem_eq(in_place, apart, sizeof(apart));
}
END_TEST

START_TEST(writes_hex)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff, 0x5a};
    char out[11];

    digest_hex(bytes, sizeof(bytes), out);
    ck_assert_str_eq(out, "000ff0ff5a");
    digest_hex(bytes, 0, out);
    ck_assert_str_eq(out, "");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, hashes_text, 0, COUNT(hashes));
    tcase_add_test(tc, hashes_in_pieces_of_any_size);
    tcase_add_test(tc, hashes_a_million_letters);
    tcase_add_loop_test(tc, authenticates, 0, COUNT(macs));
    tcase_add_test(tc, authenticates_into_its_own_key);
    tcase_add_test(tc, writes_hex);
}

int main(void)
{
    return check_run("digest", add_tests, setup, teardown);
}
