"""The story of a server: created from a template, its files and routine work, an update of the whole fleet."""

from .console import Console
from .demo_fleet import run_fleet
from .demo_new_server import NAME, StoryFailed, make_server, show_files
from .demo_routine import show_routine
from .rpc import Client, RpcError


def tell(client: Client, console: Console, servers: list[dict]) -> bool:
    """Run the story on the demo's hosts; a failure is printed and ends it.

    :param servers: dicts with `id` and `name` of the servers that are there already
    :return: whether all of it succeeded
    """
    try:
        server = make_server(client, console, len(servers))
        show_files(server)
        show_routine(server)
        run_fleet(client, console, [*servers, {"id": server.id, "name": NAME}])
    except (StoryFailed, RpcError) as error:
        console.say(f"{console.paint(console.cross, 'red')} {error}")
        return False
    return True
