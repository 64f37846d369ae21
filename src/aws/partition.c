#include "aws/partition.h"

#include <stddef.h>
#include <string.h>

/* The one with no prefix comes last. */
static const struct partition partitions[] = {
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", true, false},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", true, true},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", true, false},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", true, false},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", true, false},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", true, false},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", true, false},
    {"aws", "", "amazonaws.com", "api.aws", true, false},
};

const struct partition *partition_of(const char *region)
{
    const struct partition *p = partitions;

    while (strncmp(region, p->region_prefix, strlen(p->region_prefix)) != 0)
        p++;
    return p;
}
