#include "orderd/message.h"

#include "base/mem.h"

#include <stdlib.h>

struct message *message_new(struct sqs_message *received, int64_t received_ns, int64_t lease_ns)
{
    struct message *m = xmalloc(sizeof(*m));

    *m = (struct message){
        .sqs = *received,
        .confirmation = CONFIRMATION_INIT,
        .received_ns = received_ns,
    };
    lease_init(&m->lease, m->sqs.id, m->sqs.receipt_handle, received_ns, lease_ns);
    received->receipt_handle = NULL;
    received->body = NULL;
    received->extras = NULL;
    return m;
}

void message_free(struct message *m)
{
    if (m == NULL)
        return;
    lease_end(&m->lease);
    sqs_message_release(&m->sqs);
    free(m);
}

void message_list_add(struct message_list *list, struct message *m)
{
    m->next = NULL;
    if (list->last != NULL)
        list->last->next = m;
    else
        list->first = m;
    list->last = m;
    list->count++;
}

void message_list_move(struct message_list *list, struct message_list *from)
{
    if (from->first == NULL)
        return;
    if (list->last != NULL)
        list->last->next = from->first;
    else
        list->first = from->first;
    list->last = from->last;
    list->count += from->count;
    *from = MESSAGE_LIST_INIT;
}

struct message *message_list_take(struct message_list *list)
{
    struct message *m = list->first;

    if (m == NULL)
        return NULL;
    list->first = m->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    m->next = NULL;
    return m;
}

void message_list_release(struct message_list *list)
{
    struct message *m;

    while ((m = message_list_take(list)) != NULL)
        message_free(m);
}
